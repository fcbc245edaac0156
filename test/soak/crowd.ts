import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { add, emptyTally, type FromWorker, type ToWorker, type Way, type WorkerInit } from './protocol.ts'

export interface CrowdInit {
  addresses: Record<Way, string>
  workers: number
  /** In each of them. */
  clients: number
  /** A worker is killed this often, on average. */
  killEverySeconds: number
}

/** How long all clients may take to go by themselves. */
const LEAVING_MS = 15_000
const TELL_TARGETS_EVERY_MS = 200
const STOPPED_SECONDS = 4

/** The clients: processes with some in each, of which one is killed or stopped now and then. */
export class Crowd {
  readonly tally = emptyTally()
  /** Processes that were killed, stopped for a while without a word, or that a fault of the client library ended. */
  readonly ended = { killed: 0, stopped: 0, crashed: 0 }
  readonly #init: CrowdInit
  readonly #workers: (ChildProcess | undefined)[] = []
  readonly #reserved = new Map<string, ChildProcess>()
  readonly #killed = new WeakSet<ChildProcess>()
  readonly #ending = new AbortController()
  #told = ''

  constructor(init: CrowdInit) {
    this.#init = init
    for (let index = 0; index < init.workers; index++) this.#start(index)
    const timer = setInterval(() => this.#tellTargets(), TELL_TARGETS_EVERY_MS)
    this.#ending.signal.addEventListener('abort', () => clearInterval(timer))
    void this.#disturb()
  }

  /** All leave; `quickly` means that none is asked to. */
  async leave({ quickly = false } = {}): Promise<void> {
    this.#ending.abort()
    const workers = this.#workers.filter(worker => worker !== undefined)
    // One vanishes even now.
    if (!quickly) for (const worker of workers.slice(1)) this.#send(worker, 'leave')
    const late = AbortSignal.timeout(LEAVING_MS)
    await Promise.all(
      workers.map(async (worker, i) => {
        if (!hasEnded(worker) && !quickly && i > 0)
          await once(worker, 'exit', { signal: late }).catch(() => {})
        await this.#kill(worker)
      })
    )
  }

  #start(index: number): void {
    const { addresses, clients } = this.#init
    const init: WorkerInit = { addresses, clients, name: `place-${index}` }
    const entry = new URL('./client-child.ts', import.meta.url)
    const worker = fork(entry, [JSON.stringify(init)], { execArgv: ['--no-warnings'] })
    worker.on('message', (message: FromWorker) => this.#heard(worker, message))
    worker.on('error', () => {})
    worker.once('exit', () => {
      this.#forget(worker)
      if (this.#killed.has(worker) || this.#ending.signal.aborted) return
      this.ended.crashed++
      this.#start(index)
    })
    this.#workers[index] = worker
    this.#told = ''
  }

  #heard(worker: ChildProcess, message: FromWorker): void {
    if ('tally' in message) add(this.tally, message.tally)
    else if ('reserved' in message) this.#reserved.set(message.reserved, worker)
    else this.#reserved.delete(message.gone)
  }

  #tellTargets(): void {
    const targets = [...this.#reserved.keys()]
    const told = targets.join()
    if (told === this.#told) return
    this.#told = told
    for (const worker of this.#workers) if (worker !== undefined) this.#send(worker, { targets })
  }

  #send(worker: ChildProcess, message: ToWorker): void {
    if (worker.connected) worker.send(message, () => {})
  }

  /** Kills, stops and starts workers until the end. */
  async #disturb(): Promise<void> {
    const { signal } = this.#ending
    while (!signal.aborted) {
      await sleep(this.#init.killEverySeconds * randomInt(500, 1500), signal)
      if (signal.aborted) return
      const index = randomInt(this.#workers.length)
      const worker = this.#workers[index]
      if (worker === undefined) continue
      if (randomInt(3) === 0) {
        // As a machine that sleeps or has lost its network: the connections stay, and nobody answers.
        this.ended.stopped++
        worker.kill('SIGSTOP')
        await sleep(randomInt(STOPPED_SECONDS * 1000), signal)
        worker.kill('SIGCONT')
        if (randomInt(2) === 0) continue
        worker.kill('SIGSTOP')
      }
      this.ended.killed++
      await this.#kill(worker)
      if (!signal.aborted) this.#start(index)
    }
  }

  async #kill(worker: ChildProcess): Promise<void> {
    this.#killed.add(worker)
    if (!hasEnded(worker)) {
      const gone = once(worker, 'exit')
      worker.kill('SIGKILL')
      await gone
    }
  }

  #forget(worker: ChildProcess): void {
    for (const [peer, owner] of this.#reserved) if (owner === worker) this.#reserved.delete(peer)
  }
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null

/** Waits so long, or until the signal. */
async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch(() => {})
}

import { fork, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { SelfTestInfo, SelfTestResult } from '../../shared/api/ladder.ts'
import { messageOf } from '../../shared/errors.ts'
import type { TrialPlan } from '../relay/reachability/trial-clients.ts'
import type { FromWorker, ToWorker } from './messages.ts'

/** All of it. Each step of it has a bound of its own, which is far below. */
const DEADLINE_MS = 60_000

/** The node that is tested. */
export interface Tested {
  beginTrial(peers: Iterable<string>): void
  endTrial(): void
}

export interface SelfTestComponents {
  /** RFC 3339. */
  now: () => string
  /** The state is another, or there is a result more. */
  changed: (info: SelfTestInfo) => void
}

export interface SelfTestOptions {
  deadlineMs?: number
}

/**
 * Runs the self-test: a process whose clients reserve on this node and connect through it. While none runs there is
 * neither a process nor a timer. It is a process and no thread, because native code in a thread that is ended may take
 * the node with it, and because a thread's memory stays with the node's.
 */
export class SelfTest {
  readonly #components: SelfTestComponents
  readonly #deadlineMs: number
  #info: SelfTestInfo = { state: 'never', results: [] }
  #running: { worker: ChildProcess; done: Promise<SelfTestInfo> } | undefined

  constructor(components: SelfTestComponents, { deadlineMs = DEADLINE_MS }: SelfTestOptions = {}) {
    this.#components = components
    this.#deadlineMs = deadlineMs
  }

  get info(): SelfTestInfo {
    return this.#info
  }

  /** One at a time: asked for again while it runs, the same one answers. Never throws: what went wrong is in the answer. */
  run(node: Tested, plan: TrialPlan): Promise<SelfTestInfo> {
    if (this.#running !== undefined) return this.#running.done
    this.#set({ ...this.#info, state: 'running' })
    // Nothing of it belongs on the terminal of a command; a debugger's flags are the node's own.
    const worker = fork(workerFile(), [], { stdio: 'ignore', execArgv: [], env: environment() })
    const done = this.#follow(worker, node, plan).finally(() => {
      this.#running = undefined
      node.endTrial()
      worker.kill('SIGKILL')
    })
    this.#running = { worker, done }
    return done
  }

  /** Ends one that runs. */
  async stop(): Promise<void> {
    this.#running?.worker.kill('SIGKILL')
    await this.#running?.done
  }

  async #follow(worker: ChildProcess, node: Tested, plan: TrialPlan): Promise<SelfTestInfo> {
    const results: SelfTestResult[] = []
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    const late = setTimeout(
      () => resolve(`It did not end within ${Math.round(this.#deadlineMs / 1000)} s.`),
      this.#deadlineMs
    )
    const tell = (message: ToWorker): void => {
      worker.send(message, error => error !== null && resolve(`It could not be told: ${error.message}.`))
    }
    worker.on('message', raw => {
      const message = raw as FromWorker
      if (message.kind === 'end') resolve(undefined)
      if (message.kind === 'result') results.push(message.result)
      if (message.kind !== 'peers') return
      node.beginTrial(message.peers)
      tell({ kind: 'go' })
    })
    worker.on('error', error => resolve(`It could not be started: ${messageOf(error)}.`))
    worker.on('exit', () => resolve('It ended too early.'))
    tell({ kind: 'plan', plan })
    try {
      const cause = await promise
      const ended = this.#ended(results)
      return this.#set(cause === undefined ? ended : { ...ended, state: 'failed', cause })
    } finally {
      clearTimeout(late)
    }
  }

  #ended(results: readonly SelfTestResult[]): SelfTestInfo {
    return { state: 'done', at: this.#components.now(), results: [...results] }
  }

  #set(info: SelfTestInfo): SelfTestInfo {
    this.#info = info
    this.#components.changed(info)
    return info
  }
}

/** What libp2p would log goes nowhere. */
function environment(): NodeJS.ProcessEnv {
  const env = { ...process.env }
  delete env['DEBUG']
  delete env['NODE_OPTIONS']
  return env
}

/** Of a clone it runs as it is written; a build has it beside its other chunks, under this name. */
function workerFile(): string {
  const [source, built] = ['./worker.ts', './self-test.js'].map(name =>
    fileURLToPath(new URL(name, import.meta.url))
  )
  return existsSync(source ?? '') ? (source ?? '') : (built ?? '')
}

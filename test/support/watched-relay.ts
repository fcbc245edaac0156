import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Settings } from '../../app/shared/settings.ts'
import type { Kind } from './relay.ts'
import { sleep } from './until.ts'

/** What a relay under attack has in hand, after a garbage collection. Memory is in bytes. */
export interface Vitals {
  rss: number
  heapUsed: number
  circuits: number
  reservations: number
  /** Hop and stop streams. */
  streams: number
  inboundStreams: number
  peers: number
  /** Sockets, timers and requests that Node has open. */
  resources: number
}

/** A relay in a process of its own, to be attacked: it ends only if the attack ends it. */
export class WatchedRelay {
  readonly #child: ChildProcess
  readonly #addresses: Record<Kind, string>

  private constructor(child: ChildProcess, addresses: Record<Kind, string>) {
    this.#child = child
    this.#addresses = addresses
  }

  /** The given settings, over no limits. */
  static async start(settings: Partial<Settings> = {}): Promise<WatchedRelay> {
    const entry = new URL('./watched-child.ts', import.meta.url)
    const child = fork(entry, [JSON.stringify(settings)], { execArgv: ['--no-warnings', '--expose-gc'] })
    const [addresses] = (await once(child, 'message')) as [Record<Kind, string>]
    return new WatchedRelay(child, addresses)
  }

  address(kind: Kind): string {
    return this.#addresses[kind]
  }

  port(kind: Kind): number {
    return Number(this.#addresses[kind].split('/')[4])
  }

  async vitals(): Promise<Vitals> {
    const answer = once(this.#child, 'message', { signal: AbortSignal.timeout(20_000) })
    this.#child.send('vitals')
    return ((await answer) as [Vitals])[0]
  }

  /** Its vital signs once they are as they should be, or after that time. */
  async settled(isRest: (vitals: Vitals) => boolean, seconds = 20): Promise<Vitals> {
    const deadline = performance.now() + seconds * 1000
    for (;;) {
      const vitals = await this.vitals()
      if (isRest(vitals) || performance.now() > deadline) return vitals
      await sleep(200)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }
}

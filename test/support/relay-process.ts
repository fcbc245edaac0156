import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Settings } from '../../app/shared/settings.ts'
import type { Kind } from './relay.ts'

/** Memory in bytes, after a garbage collection, and what became of the circuits. */
export interface RelayState {
  rss: number
  heapUsed: number
  external: number
  arrayBuffers: number
  circuits: number
  /** Why circuits ended, in order. */
  closed: string[]
}

/** A relay in a process of its own, so that its memory and its CPU time are its own. */
export class RelayProcess {
  readonly child: ChildProcess
  readonly #addresses: Record<Kind, string>

  private constructor(child: ChildProcess, addresses: Record<Kind, string>) {
    this.child = child
    this.#addresses = addresses
  }

  /** The given settings, over no limits. */
  static async start(
    settings: Partial<Settings> = {},
    entry = new URL('./relay-child.ts', import.meta.url)
  ): Promise<RelayProcess> {
    const child = fork(entry, [JSON.stringify(settings)], { execArgv: ['--no-warnings', '--expose-gc'] })
    const failed = once(child, 'exit').then(([code]) => {
      throw new Error(`the relay ended: ${code}`)
    })
    const [addresses] = (await Promise.race([once(child, 'message'), failed])) as [Record<Kind, string>]
    failed.catch(() => {})
    return new RelayProcess(child, addresses)
  }

  address(kind: Kind): string {
    return this.#addresses[kind]
  }

  async state(): Promise<RelayState> {
    return this.#ask('state')
  }

  async change(settings: Partial<Settings>): Promise<RelayState> {
    return this.#ask(settings)
  }

  async #ask(message: object | string): Promise<RelayState> {
    const answer = once(this.child, 'message', { signal: AbortSignal.timeout(60_000) })
    this.child.send(message)
    return ((await answer) as [RelayState])[0]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null) return
    const gone = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await gone
  }
}

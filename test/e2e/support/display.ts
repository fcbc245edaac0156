import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'

/** An X server without a screen, of one test file's own: on a display that is free, reached by its local socket alone. */
export class Display {
  /** As DISPLAY wants it: `:99`. */
  readonly name: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, name: string) {
    this.#child = child
    this.name = name
  }

  static async start({ width = 1600, height = 1000 } = {}): Promise<Display> {
    const screen = ['-screen', '0', `${width}x${height}x24`]
    const args = ['-displayfd', '3', ...screen, '-nolisten', 'tcp', '-ac', '-noreset']
    const child = spawn('Xvfb', args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`Xvfb ended: ${code}`)
    })
    ended.catch(() => {})
    const numberOut = child.stdio[3] as Readable
    const [number] = (await Promise.race([once(numberOut, 'data'), ended])) as [Buffer]
    return new Display(child, `:${number.toString().trim()}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await ended
  }
}

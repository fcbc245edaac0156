import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** A module of this repository, as a text to put into a script's import. */
export function moduleUrl(path: string): string {
  return JSON.stringify(new URL(`../../${path}`, import.meta.url).href)
}

/**
 * A process of its own that runs `source` as a module. `line()` waits for its next line of output; whatever it
 * writes to stderr fails that wait. It has `go`, a promise that `tell()` fulfils: several can start at once.
 * `under`: a program that is to start Node, with its arguments.
 */
export class NodeScript {
  readonly child: ChildProcess
  readonly #lines: AsyncIterator<string>
  #errors = ''

  constructor(source: string, { under = [] }: { under?: readonly string[] } = {}) {
    const prelude = `const go = new Promise(resolve => process.stdin.once('data', resolve));\n`
    const [program = '', ...rest] = [...under, process.execPath]
    this.child = spawn(program, [...rest, '--no-warnings', '--input-type=module', '-e', prelude + source])
    const { stdout, stderr } = this.child
    if (stdout === null || stderr === null) throw new Error('no pipes')
    stderr.setEncoding('utf8').on('data', (text: string) => (this.#errors += text))
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]()
  }

  async line(): Promise<string> {
    const next = await this.#lines.next()
    if (next.done === true) throw new Error(`the script ended without a line: ${this.#errors}`)
    return next.value
  }

  tell(): void {
    this.child.stdin?.write('go\n')
  }

  /** kill -9, and waits until it is gone. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const gone = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await gone
  }
}

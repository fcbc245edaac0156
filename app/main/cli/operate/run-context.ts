import type { ClientOptions, ControlClient } from '../../api/client.ts'
import type { Arguments } from './arguments.ts'
import type { CommandDoc } from './command-table.ts'
import type { ViewOptions } from './show-lists.ts'
import { jsonText, plain } from './text.ts'

export interface CommandOutput extends NodeJS.WritableStream {
  isTTY?: boolean
  columns?: number
}

export interface OperateIo {
  /** Results. */
  stdout: CommandOutput
  /** Messages. */
  stderr: CommandOutput
  env: Readonly<Record<string, string | undefined>>
}

export interface OperateTiming {
  /** Milliseconds since 1970. */
  now: () => number
  sleep: (milliseconds: number) => Promise<void>
}

export interface RunComponents extends OperateIo, OperateTiming {
  /** The node of the data folder, as it is now. */
  connect: (options?: ClientOptions) => Promise<ControlClient>
}

/** One command on its way: what it was given, and where it says what. */
export class Run {
  readonly doc: CommandDoc
  readonly dataDir: string
  readonly operands: readonly string[]
  readonly now: () => number
  readonly sleep: (milliseconds: number) => Promise<void>
  readonly connect: RunComponents['connect']
  readonly #flags: Arguments['flags']
  readonly #io: OperateIo

  constructor(components: RunComponents, doc: CommandDoc, { operands, flags }: Arguments, dataDir: string) {
    this.doc = doc
    this.dataDir = dataDir
    this.operands = operands
    this.now = components.now
    this.sleep = components.sleep
    this.connect = components.connect
    this.#flags = flags
    this.#io = components
  }

  /** Whether a switch is on. */
  has(flag: string): boolean {
    return this.#flags.has(flag)
  }

  /** What was given with a flag. */
  valueOf(flag: string): string | undefined {
    const value = this.#flags.get(flag)
    return value === true ? undefined : value
  }

  get env(): OperateIo['env'] {
    return this.#io.env
  }

  get json(): boolean {
    return this.has('json')
  }

  /** Whether progress may be written over itself. */
  get messagesOnTerminal(): boolean {
    return this.#io.stderr.isTTY === true
  }

  get view(): ViewOptions {
    const { isTTY, columns } = this.#io.stdout
    return {
      now: this.now(),
      // A columns of 0 is a terminal that does not know.
      ...(isTTY === true && columns && !this.has('full') && { width: columns })
    }
  }

  /** The result: as JSON if that was asked for, else as lines for people. */
  async answer(value: unknown, lines: (view: ViewOptions) => readonly string[]): Promise<void> {
    await (this.json ? this.print(jsonText(value, 2)) : this.print(...lines(this.view).map(plain)))
  }

  /** Lines of the result, as they are. */
  async print(...lines: string[]): Promise<void> {
    await written(this.#io.stdout, `${lines.join('\n')}\n`)
  }

  /** A message beside the result. */
  async tell(message: string): Promise<void> {
    await written(this.#io.stderr, `${plain(message)}\n`)
  }

  /** Progress on a terminal, over what it said before; `undefined` wipes it. */
  async progress(message: string | undefined): Promise<void> {
    await written(this.#io.stderr, message === undefined ? '\r\x1b[K' : `\r\x1b[K${plain(message)}`)
  }
}

/** Returns once the text is handed on, so that an exit right after does not cut it off. */
export function written(to: NodeJS.WritableStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    to.write(text, error => (error ? reject(error) : resolve()))
  })
}

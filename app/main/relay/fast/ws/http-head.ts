import type { RawDuct } from '../duct.ts'

/** The heads of HTTP/1.1 messages (RFC 9112), as strictly as a WebSocket's handshake may take them. */

const MOST_HEAD_BYTES = 8 * 1024
const END = '\r\n\r\n'
/** What may stand in a head: text, tabs, line ends. */
const NO_TEXT = /[^\t\r\n\x20-\x7e\x80-\xff]/
// Not the blanks around its value too: to find them at its end, a pattern tries every run of blanks within.
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):(.*)$/

/** A request that gets an answer other than a WebSocket. */
export class Refusal extends Error {
  readonly status: number
  readonly fields: readonly string[]

  /** @param message a sentence for whoever asked */
  constructor(status: number, message: string, fields: readonly string[] = []) {
    super(message)
    this.status = status
    this.fields = fields
  }
}

/** Another protocol, whose speaker would not read an answer of this one. */
export class NoHttp extends Error {}

export interface Head {
  /** The first line. */
  start: string
  /** By name in lower case, in order of their lines. */
  fields: Map<string, string[]>
}

/**
 * Takes the head of a message from a duct; what follows it stays there, paused.
 * @throws Refusal, the signal's reason, or an error where no HTTP comes
 */
export async function readHead(duct: RawDuct, signal: AbortSignal): Promise<Head> {
  signal.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const aborted = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', aborted)
  const collected = new HeadBytes()
  duct.reader = {
    onBytes: bytes => {
      try {
        const rest = collected.add(bytes)
        if (rest === undefined) return
        duct.pause()
        duct.reader = undefined
        duct.unshift(rest)
        resolve(collected.text)
      } catch (error) {
        duct.pause()
        reject(error)
      }
    },
    onDrain: () => {},
    onEnd: () => reject(new Error('it ended before its head did')),
    onClose: error => reject(error ?? new Error('it closed before its head ended'))
  }
  duct.resume()
  try {
    return parse(await promise)
  } finally {
    signal.removeEventListener('abort', aborted)
  }
}

class HeadBytes {
  /** What has come so far; then the head, without its end. */
  text = ''

  /** @returns the bytes behind the head, once it is there as a whole */
  add(bytes: Buffer): Buffer | undefined {
    const before = this.text.length
    this.text += bytes.toString('latin1', 0, MOST_HEAD_BYTES - before)
    const end = this.text.indexOf(END, Math.max(0, before - END.length + 1))
    check(this.text.slice(before, end < 0 ? undefined : end), before)
    if (end >= 0) {
      this.text = this.text.slice(0, end)
      return bytes.subarray(end + END.length - before)
    }
    if (this.text.length >= MOST_HEAD_BYTES) throw new Refusal(431, 'This request has too long a head.')
    return undefined
  }
}

/** Does not wait for the end of what can become no head. */
function check(more: string, before: number): void {
  // TLS, or libp2p without a WebSocket, or a PROXY header of one who is not trusted.
  if (before === 0 && !/^[A-Z]/.test(more)) throw new NoHttp('it speaks no HTTP')
  if (NO_TEXT.test(more)) throw new Refusal(400, 'This is no HTTP/1.1 request.')
}

function parse(text: string): Head {
  const [start = '', ...lines] = text.split('\r\n')
  const fields: Head['fields'] = new Map()
  if (/[\r\n]/.test(start)) throw new Refusal(400, 'This is no HTTP/1.1 request.')
  for (const line of lines) {
    const [, name, value] = FIELD.exec(line) ?? []
    if (name === undefined || value === undefined) {
      throw new Refusal(400, 'This request has a line that is no header field.')
    }
    addField(fields, name, withoutBlanks(value))
  }
  return { start, fields }
}

/** Adds one line, behind those of the same name. */
export function addField(fields: Head['fields'], name: string, value: string): void {
  const values = fields.get(name.toLowerCase())
  if (values === undefined) fields.set(name.toLowerCase(), [value])
  else values.push(value)
}

/** Without the spaces and tabs around it. */
function withoutBlanks(value: string): string {
  const isBlank = (at: number): boolean => value[at] === ' ' || value[at] === '\t'
  let [start, end] = [0, value.length]
  while (start < end && isBlank(start)) start++
  while (end > start && isBlank(end - 1)) end--
  return value.slice(start, end)
}

/** The items of a field that is a list, in lower case. */
export function listOf({ fields }: Head, name: string): string[] {
  const values = fields.get(name) ?? []
  return values.flatMap(value => value.split(',')).map(item => item.trim().toLowerCase())
}

/** The value of a field that must be there once. */
export function only({ fields }: Head, name: string): string | undefined {
  const values = fields.get(name)
  return values?.length === 1 ? values[0] : undefined
}

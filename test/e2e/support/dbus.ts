import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { Reader, Variant, Writer } from './dbus-values.ts'

const CALL = 1
const REPLY = 2
const ERROR = 3
const SIGNAL = 4
const NO_REPLY_EXPECTED = 1
/** Fields of a message's header: number and type. */
const FIELDS = {
  path: [1, 'o'],
  interface: [2, 's'],
  member: [3, 's'],
  errorName: [4, 's'],
  replySerial: [5, 'u'],
  destination: [6, 's'],
  sender: [7, 's'],
  signature: [8, 'g']
} as const
const FIXED_HEADER_BYTES = 16

type Fields = { [Name in keyof typeof FIELDS]?: Name extends 'replySerial' ? number : string }

interface Message extends Fields {
  type: number
  flags: number
  serial: number
  body: unknown[]
}

/** What is asked of us: `sender` is the asker's own name on the bus. */
export interface Call {
  path: string
  interface: string
  member: string
  sender: string
  body: unknown[]
}

/** What is answered to a call: its values and their signature. */
export type Reply = { signature: string; body: unknown[] } | undefined
export type Answer = (call: Call) => Reply

/** Whom a call goes to. */
export interface Target {
  destination: string
  path: string
  interface: string
}

const BUS: Target = {
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus'
}

/** A client of a D-Bus session bus: owns names, answers calls, makes calls. */
export class Bus {
  readonly #socket: Socket
  readonly #answer: Answer
  readonly #waiting = new Map<number, (message: Message) => void>()
  #serial = 0
  #unread = Buffer.alloc(0)

  private constructor(socket: Socket, answer: Answer) {
    this.#socket = socket
    this.#answer = answer
  }

  static async connect(socketPath: string, answer: Answer): Promise<Bus> {
    const socket = connect(socketPath)
    await once(socket, 'connect')
    const user = Buffer.from(String(process.getuid?.() ?? 0)).toString('hex')
    socket.write(`\0AUTH EXTERNAL ${user}\r\n`)
    const [said] = (await once(socket, 'data')) as [Buffer]
    if (!said.toString().startsWith('OK')) throw new Error(`the bus refuses us: ${said.toString()}`)
    socket.write('BEGIN\r\n')
    const bus = new Bus(socket, answer)
    socket.on('data', data => bus.#onData(data)).on('error', () => {})
    await bus.call(BUS, 'Hello')
    return bus
  }

  async own(name: string): Promise<void> {
    const DO_NOT_QUEUE = 4
    const [got] = await this.call(BUS, 'RequestName', 'su', [name, DO_NOT_QUEUE])
    if (got !== 1) throw new Error(`${name} has an owner already`)
  }

  async call(
    { destination, path, interface: name }: Target,
    member: string,
    signature = '',
    body: unknown[] = []
  ): Promise<unknown[]> {
    const serial = this.#send(CALL, { destination, path, interface: name, member }, signature, body)
    const message = await new Promise<Message>(resolve => this.#waiting.set(serial, resolve))
    if (message.type === ERROR) throw new Error(`${member}: ${message.errorName} ${String(message.body[0])}`)
    return message.body
  }

  signal(path: string, name: string, member: string, signature: string, body: unknown[]): void {
    this.#send(SIGNAL, { path, interface: name, member }, signature, body)
  }

  close(): void {
    this.#socket.destroy()
  }

  #send(type: number, fields: Fields, signature: string, body: unknown[], flags = 0): number {
    const serial = ++this.#serial
    const content = new Writer().write(signature, body).toBuffer()
    const given = Object.entries({ ...fields, ...(signature !== '' && { signature }) })
    const header = given.map(([name, value]) => {
      const [number, fieldType] = FIELDS[name as keyof typeof FIELDS]
      return [number, new Variant(fieldType, value)]
    })
    const head = new Writer().write('yyyyuua(yv)', [
      'l'.charCodeAt(0),
      type,
      flags,
      1,
      content.length,
      serial,
      header
    ])
    this.#socket.write(Buffer.concat([head.align(8).toBuffer(), content]))
    return serial
  }

  #onData(data: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, data])
    while (this.#unread.length >= FIXED_HEADER_BYTES) {
      const headerBytes = Math.ceil((FIXED_HEADER_BYTES + this.#unread.readUInt32LE(12)) / 8) * 8
      const bytes = headerBytes + this.#unread.readUInt32LE(4)
      if (this.#unread.length < bytes) return
      const message = this.#unread.subarray(0, bytes)
      this.#unread = this.#unread.subarray(bytes)
      this.#onMessage(parse(message, headerBytes))
    }
  }

  #onMessage(message: Message): void {
    if (message.type === REPLY || message.type === ERROR) {
      this.#waiting.get(message.replySerial ?? 0)?.(message)
      this.#waiting.delete(message.replySerial ?? 0)
    }
    if (message.type !== CALL) return
    const { path = '', interface: name = '', member = '', sender = '', body, serial } = message
    const reply = this.#answer({ path, interface: name, member, sender, body })
    if ((message.flags & NO_REPLY_EXPECTED) !== 0) return
    const to = { destination: sender, replySerial: serial }
    if (reply !== undefined) return void this.#send(REPLY, to, reply.signature, reply.body)
    const errorName = 'org.freedesktop.DBus.Error.UnknownMethod'
    this.#send(ERROR, { ...to, errorName }, 's', [`There is no ${name}.${member} here.`])
  }
}

function parse(data: Buffer, headerBytes: number): Message {
  const reader = new Reader(data)
  const [, type, flags, , , serial, header] = reader.read('yyyyuua(yv)') as number[] & {
    6: [number, string][]
  }
  const named = Object.entries(FIELDS).map(([name, [number]]) => [
    name,
    header.find(([key]) => key === number)?.[1]
  ])
  const fields = Object.fromEntries(named) as Fields
  const body = new Reader(data.subarray(headerBytes)).read(fields.signature ?? '')
  return { ...fields, type: type ?? 0, flags: flags ?? 0, serial: serial ?? 0, body }
}

import { channel } from 'node:diagnostics_channel'
import { connect, Socket, type TcpNetConnectOpts } from 'node:net'
import { readSeen, type ReadSeen } from '../../net/tcp-socket.ts'
import type { DuctReader, Page, RawDuct } from './duct.ts'
import { handOver } from './read-end.ts'
import { Sending } from './sending.ts'

/** What one read may take in. */
const READ_BYTES = 256 * 1024
/**
 * What is made of less than this may leave before other sockets are read. Where more comes, many small messages of all
 * sockets are on their way, and waiting for the end of the turn gathers more of them.
 */
const PROMPT_BYTES = 1024
/** How long a peer may take to close its end after ours. */
const LINGER_MS = 5000
/** When a silent connection is first probed; the system's probes cost this process nothing. */
const KEEP_ALIVE_MS = 30_000

/**
 * Where every socket's bytes arrive. One for all: what is read is handed over, and done with, before anything else
 * is read.
 */
const arriving = Buffer.allocUnsafeSlow(READ_BYTES)

const opened = channel('net.server.socket')

/** An accepted socket, before anything was read from it (`pauseOnConnect`), with Node's handle of it. */
type Accepted = Socket & { _handle: { onread: unknown } | null; _server?: unknown }
/** Options that Node's own modules use. */
type SocketFromHandle = new (options: { handle: unknown; onread: typeof net_onread }) => Socket
declare const net_onread: { buffer: Buffer; callback: (bytes: number, buffer: Uint8Array) => boolean }

/**
 * A TCP socket that reads into memory used again and again, where Node's streams would make a buffer for each read.
 */
export class SocketDuct implements RawDuct {
  readonly headroom = 0
  readonly socket: Socket
  #reader: DuctReader | undefined
  readonly #sending: Sending
  #paused = true
  #handedOver = false
  #unread: Buffer | undefined
  #ended = false
  #closed: { error: Error | undefined } | undefined
  #linger: ReturnType<typeof setTimeout> | undefined

  private constructor(make: (duct: SocketDuct) => Socket) {
    this.socket = make(this)
    const { socket } = this
    this.#sending = new Sending(socket, { drained: () => this.#isLive && this.#reader?.onDrain() })
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    let error: Error | undefined
    socket.on('error', failure => (error = failure))
    socket.on('end', () => {
      this.#ended = true
      this.#tellEnd()
    })
    socket.once('close', () => {
      clearTimeout(this.#linger)
      this.#closed = { error }
      this.#tellClose()
    })
  }

  /** Takes over a socket that a server with `pauseOnConnect` accepted. */
  static accept(accepted: Socket): SocketDuct {
    const { _handle: handle, _server: server } = accepted as Accepted
    const duct = new SocketDuct(({ onread }) => {
      if (!handle) throw new Error('the socket has closed')
      // A server's sockets can only be made to read into a given buffer by making them anew.
      handle.onread = () => {}
      ;(accepted as Accepted)._handle = null
      const FromHandle = Socket as unknown as SocketFromHandle
      const socket = new FromHandle({ handle, onread })
      // So that the server counts it, and does not count the other's end.
      Object.assign(socket, { _server: server, server })
      ;(accepted as Accepted)._server = undefined
      return socket
    })
    opened.publish({ socket: duct.socket })
    accepted.destroy()
    return duct
  }

  static connect(options: Omit<TcpNetConnectOpts, 'onread'>): SocketDuct {
    return new SocketDuct(({ onread }) => connect({ ...options, onread }))
  }

  get reader(): DuctReader | undefined {
    return this.#reader
  }

  set reader(reader: DuctReader | undefined) {
    this.#reader = reader
    // It may have ended while nobody read.
    if (reader !== undefined && (this.#ended || this.#closed !== undefined)) {
      queueMicrotask(() => {
        this.#tellEnd()
        this.#tellClose()
      })
    }
  }

  get full(): boolean {
    return this.#sending.full
  }

  get onread(): typeof net_onread {
    return {
      buffer: arriving,
      callback: (bytes, buffer) => {
        const read = (buffer as Buffer).subarray(0, bytes)
        ;(this.socket as ReadSeen)[readSeen]?.(read)
        if (bytes < PROMPT_BYTES) handOver(() => this.#deliver(read))
        else this.#deliver(read)
        return !this.#paused
      }
    }
  }

  send(page: Page, start: number, end: number): void {
    this.#sending.send(page, start, end)
  }

  pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.socket.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    // What was put back comes before what the system has.
    if (this.#unread === undefined) this.socket.resume()
    else queueMicrotask(() => this.#deliverUnread())
  }

  unshift(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return
    this.#unread = Buffer.concat([bytes, ...(this.#unread === undefined ? [] : [this.#unread])])
    if (!this.#paused) queueMicrotask(() => this.#deliverUnread())
  }

  /**
   * Gives the socket away, with what was put back as the first that is read from it: a TLS socket is made of it. What is
   * left of this duct is `destroy`, which ends the TLS socket too.
   */
  handOver(): Socket {
    this.pause()
    this.#handedOver = true
    if (this.#unread !== undefined) this.socket.unshift(this.#unread)
    return this.socket
  }

  end(): void {
    this.socket.end()
    // The peer may never close its end.
    this.#linger ??= setTimeout(() => this.socket.destroy(), LINGER_MS).unref()
  }

  destroy(error?: Error): void {
    // A socket that was given away has another to tell of the error.
    this.socket.destroy(this.#handedOver ? undefined : error)
  }

  get #isLive(): boolean {
    return !this.#handedOver && !this.socket.destroyed
  }

  #deliver(bytes: Buffer): void {
    if (!this.#isLive) return
    if (this.#unread === undefined && this.#reader !== undefined) this.#reader.onBytes(bytes)
    else this.#unread = Buffer.concat([...(this.#unread === undefined ? [] : [this.#unread]), bytes])
  }

  #deliverUnread(): void {
    const unread = this.#unread
    if (this.#paused || this.#handedOver) return
    this.#unread = undefined
    if (unread !== undefined) this.#deliver(unread)
    if (!this.#paused) this.socket.resume()
    this.#tellEnd()
  }

  #tellEnd(): void {
    // After all bytes.
    if (!this.#ended || this.#unread !== undefined || this.#reader === undefined || !this.#isLive) return
    this.#ended = false
    this.#reader.onEnd()
  }

  #tellClose(): void {
    if (this.#closed === undefined || this.#handedOver || this.#reader === undefined) return
    const { error } = this.#closed
    const reader = this.#reader
    this.#closed = undefined
    reader.onClose(error)
  }
}

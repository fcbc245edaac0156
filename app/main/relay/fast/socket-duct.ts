import { channel } from 'node:diagnostics_channel'
import { connect, Socket, type TcpNetConnectOpts } from 'node:net'
import { readSeen, type ReadSeen } from '../../net/tcp-socket.ts'
import type { DuctReader, Page, RawDuct } from './duct.ts'

/** What one read may take in. */
const READ_BYTES = 256 * 1024
/** What may be on its way to the system before writers are to wait. */
const FULL_BYTES = 512 * 1024
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
  reader: DuctReader | undefined
  readonly headroom = 0
  readonly socket: Socket
  #sendingBytes = 0
  #full = false
  #paused = true
  #over = false
  #unread: Buffer | undefined

  private constructor(make: (duct: SocketDuct) => Socket) {
    this.socket = make(this)
    const { socket } = this
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    let failure: Error | undefined
    socket.on('error', error => (failure = error))
    socket.on('end', () => {
      if (!this.#over) this.reader?.onEnd()
    })
    socket.once('close', () => this.#closed(failure))
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

  get full(): boolean {
    return this.#full
  }

  get onread(): typeof net_onread {
    return {
      buffer: arriving,
      callback: (bytes, buffer) => {
        const read = (buffer as Buffer).subarray(0, bytes)
        ;(this.socket as ReadSeen)[readSeen]?.(read)
        this.#deliver(read)
        return !this.#paused
      }
    }
  }

  send(page: Page, start: number, end: number): void {
    if (this.#over) return page.release()
    const bytes = end - start
    this.#sendingBytes += bytes
    if (this.#sendingBytes > FULL_BYTES) this.#full = true
    this.socket.write(page.bytes.subarray(start, end), () => {
      page.release()
      this.#sendingBytes -= bytes
      if (!this.#full || this.#sendingBytes > FULL_BYTES / 2) return
      this.#full = false
      if (!this.#over) this.reader?.onDrain()
    })
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
    if (this.#unread !== undefined) queueMicrotask(() => this.#deliverUnread())
    else this.socket.resume()
  }

  unshift(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return
    this.#unread = Buffer.concat([bytes, ...(this.#unread === undefined ? [] : [this.#unread])])
  }

  /** Gives the socket away, with what was put back as the first that is read from it: a TLS socket is made of it. */
  handOver(): Socket {
    this.pause()
    this.#over = true
    if (this.#unread !== undefined) this.socket.unshift(this.#unread)
    return this.socket
  }

  end(): void {
    this.socket.end()
  }

  destroy(error?: Error): void {
    if (this.#over) return
    this.socket.destroy(error)
  }

  #deliver(bytes: Buffer): void {
    if (this.#over) return
    if (this.#unread === undefined && this.reader !== undefined) this.reader.onBytes(bytes)
    else this.#unread = Buffer.concat([...(this.#unread === undefined ? [] : [this.#unread]), bytes])
  }

  #deliverUnread(): void {
    const unread = this.#unread
    if (this.#paused || this.#over) return
    this.#unread = undefined
    if (unread !== undefined) this.#deliver(unread)
    if (!this.#paused) this.socket.resume()
  }

  #closed(failure: Error | undefined): void {
    if (this.#over) return
    this.#over = true
    this.reader?.onClose(failure)
  }
}

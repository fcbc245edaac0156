import { errorMonitor, type EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { framesOf, isLoopback } from './frames.ts'
import { TcpFrames, type TcpEnd } from './tcp-frames.ts'

/** Bytes that passed the interface, headers and all. */
export interface Counted {
  received: number
  sent: number
}

/** What Node calls on a socket for each chunk; those who implement streams are told of them. */
interface StreamHooks {
  push(chunk: unknown, encoding?: BufferEncoding): boolean
  _write(chunk: Chunk, encoding: BufferEncoding, done: Done): void
  _writev(chunks: Written[], done: Done): void
}
type Chunk = string | Uint8Array
type Done = (error?: Error | null) => void
interface Written {
  chunk: Chunk
  encoding: BufferEncoding
}

/** Under this name whoever reads a socket into memory of its own, past the stream, tells of each chunk. */
export const readSeen: unique symbol = Symbol('read seen')
export interface ReadSeen extends Socket {
  [readSeen]?: (chunk: Uint8Array) => void
}

/** What was given to the system. `bytesWritten` adds what waits, and throws once the socket was destroyed meanwhile. */
type Dispatching = Socket & { _bytesDispatched?: number }

interface SocketTrafficComponents {
  /** Milliseconds. */
  clock: () => number
  /** The socket is over, or stays inside the machine: nothing more will come. */
  over: () => void
}

/**
 * Follows one socket from its beginning to its end. A write is a segment at least, and so is a read: each is looked
 * at by itself. What an HTTP server reads passes the stream by and is found at the next write.
 */
export class SocketTraffic {
  readonly #socket: Socket
  readonly #components: SocketTrafficComponents
  #tcp: TcpFrames | undefined
  /** Of its bytes, those that are counted. */
  #seen = 0
  #seenWritten = 0
  #endedByPeer = false
  #wasReset = false
  /** Where it is being connected to, and since when. */
  #attempt: { ip: string; at: number } | undefined
  readonly #attempts: Counted = { received: 0, sent: 0 }

  constructor(socket: Socket, components: SocketTrafficComponents) {
    this.#socket = socket
    this.#components = components
    // Only heard: a socket that nobody handles the errors of must still fail as it would.
    ;(socket as EventEmitter).on(errorMonitor, (error: NodeJS.ErrnoException) => {
      this.#wasReset = error.code === 'ECONNRESET'
    })
    socket.on('end', () => (this.#endedByPeer = !socket.writableEnded))
    socket.once('close', () => this.#closed())
    if (socket.remoteAddress === undefined) this.#awaitConnection()
    else this.#connected('peer')
  }

  /** So far. */
  get counted(): Counted {
    this.#look()
    this.#tcp?.settle(this.#components.clock())
    const { received = 0, sent = 0 } = this.#tcp ?? {}
    return { received: this.#attempts.received + received, sent: this.#attempts.sent + sent }
  }

  /** See TcpFrames. */
  headersApart(): void {
    this.#tcp?.headersApart(this.#components.clock())
  }

  #awaitConnection(): void {
    // Wider than net's own types, which know these events by overloads only.
    const socket: EventEmitter = this.#socket
    socket.on('connectionAttempt', (ip: string) => {
      this.#attempt = { ip, at: this.#components.clock() }
    })
    socket.on('connectionAttemptFailed', (...[, , , error]: unknown[]) =>
      this.#attemptFailed(error as NodeJS.ErrnoException)
    )
    socket.on('connectionAttemptTimeout', () => this.#attemptFailed())
    socket.once('connect', () => this.#connected('us'))
  }

  #connected(by: 'us' | 'peer'): void {
    const { remoteAddress, localAddress } = this.#socket
    this.#attempt = undefined
    // A pipe has no address. A connection to an address of this machine never leaves it.
    if (remoteAddress === undefined || isLoopback(remoteAddress) || remoteAddress === localAddress) {
      this.#components.over()
      return
    }
    this.#tcp = new TcpFrames(framesOf(remoteAddress))
    this.#tcp.connected(by)
    // What was written before there was a connection goes now.
    const { bytesWritten } = this.#socket
    if (bytesWritten > 0) this.#tcp.wrote(bytesWritten, this.#components.clock())
    this.#seenWritten = bytesWritten
    this.#hook(this.#tcp)
  }

  #hook(tcp: TcpFrames): void {
    const { clock } = this.#components
    const hooks = this.#socket as unknown as StreamHooks
    const push = hooks.push.bind(hooks)
    const write = hooks._write.bind(hooks)
    const writev = hooks._writev.bind(hooks)
    const wrote = (bytes: number): void => {
      // What was read before came before.
      this.#look()
      this.#seenWritten += bytes
      tcp.wrote(bytes, clock())
    }
    ;(this.#socket as ReadSeen)[readSeen] = chunk => this.#look(chunk)
    hooks.push = (chunk, encoding) => {
      this.#look(chunk instanceof Uint8Array ? chunk : undefined)
      return push(chunk, encoding)
    }
    hooks._write = (chunk, encoding, done) => {
      wrote(lengthOf({ chunk, encoding }))
      write(chunk, encoding, done)
    }
    hooks._writev = (chunks, done) => {
      wrote(chunks.reduce((sum, written) => sum + lengthOf(written), 0))
      writev(chunks, done)
    }
  }

  #look(chunk?: Uint8Array): void {
    if (this.#tcp === undefined) return
    const { bytesRead, _bytesDispatched: written = 0 } = this.#socket as Dispatching
    // What TLS writes goes past the socket's own methods.
    if (written > this.#seenWritten) {
      this.#tcp.wrote(written - this.#seenWritten, this.#components.clock())
      this.#seenWritten = written
    }
    if (bytesRead === this.#seen) return
    const bytes = bytesRead - this.#seen
    this.#tcp.read(bytes, this.#components.clock(), chunk?.byteLength === bytes ? chunk : undefined)
    this.#seen = bytesRead
  }

  #attemptFailed(error?: NodeJS.ErrnoException): void {
    const attempt = this.#attempt
    this.#attempt = undefined
    if (attempt === undefined || isLoopback(attempt.ip)) return
    const tcp = new TcpFrames(framesOf(attempt.ip))
    if (error?.code === 'ECONNREFUSED') tcp.refused()
    else tcp.unanswered((this.#components.clock() - attempt.at) / 1000)
    this.#attempts.received += tcp.received
    this.#attempts.sent += tcp.sent
  }

  #closed(): void {
    this.#attemptFailed()
    this.#look()
    this.#tcp?.ended(this.#end())
    this.#components.over()
  }

  #end(): TcpEnd {
    if (this.#wasReset) return 'reset-by-peer'
    if (this.#endedByPeer) return 'closed-by-peer'
    return this.#socket.writableFinished ? 'closed' : 'reset'
  }
}

function lengthOf({ chunk, encoding }: Written): number {
  return typeof chunk === 'string' ? Buffer.byteLength(chunk, encoding) : chunk.byteLength
}

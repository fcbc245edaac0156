import { ServerResponse, type IncomingMessage, type Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Endpoint, TrustedProxies } from './forwarded.ts'
import type { RequestHandler } from './http-sockets.ts'
import { clientOfRequest, clientOfSocket } from './proxied-socket.ts'

/** A request for another protocol on its connection: a WebSocket. */
export interface UpgradeRequest {
  /** Method, path and fields, as Node has read them. */
  head: IncomingMessage
  /** Who asks: the other end of the connection, or whom a trusted proxy names. */
  client: Endpoint
  /** Whether its listener has counted its arrival as this client's. */
  isCounted: boolean
  /** By which of the node's own addresses, as it listens there (`0.0.0.0`). */
  host: string
}

/** Takes the connection over, and answers for its end. `first`: what came behind the request already. */
export type UpgradeHandler = (request: UpgradeRequest, socket: Socket, first: Buffer) => void

export interface UpgradeOptions {
  /** Without TLS its path is another's, or nobody's. */
  secureOnly?: boolean
}

export interface UpgradesServer {
  host: string
  isSecure: boolean
  proxies: TrustedProxies
  /** Answers what asks for a path that nobody has claimed, or for another protocol than a WebSocket. */
  answer: RequestHandler
  /** A handler takes the connection: it is none of HTTP any more. */
  taken?: (socket: Socket) => void
}

/** How long an answer may take to be read, by one who had asked for an upgrade. */
const ANSWER_MS = 10_000

/** Tells by the path whose a WebSocket is, on all listeners of HTTP alike. */
export class Upgrades {
  readonly #claims = new Map<string, { handler: UpgradeHandler; secureOnly: boolean }>()

  /** @param path such as `/`, taken as it is. Returns what gives it back. */
  handle(path: string, handler: UpgradeHandler, { secureOnly = false }: UpgradeOptions = {}): () => void {
    if (this.#claims.has(path)) throw new Error(`${path} is another service's`)
    const claim = { handler, secureOnly }
    this.#claims.set(path, claim)
    return () => {
      if (this.#claims.get(path) === claim) this.#claims.delete(path)
    }
  }

  /** Returns what ends the connections that asked for an upgrade: a server does not know them any more. */
  serve(server: Server, options: UpgradesServer): () => void {
    const open = new Set<Socket>()
    const unanswered = unansweredRequests(server)
    server.on('upgrade', (head: IncomingMessage, socket: Socket, first: Buffer) => {
      // Nobody else would hear of it.
      socket.on('error', () => {})
      // An answer now would come before that to an earlier request, and be taken for it.
      if (unanswered(socket) > 0) return void socket.destroy()
      open.add(socket)
      socket.once('close', () => open.delete(socket))
      this.#take(head, socket, first, options)
    })
    return () => open.forEach(socket => socket.destroy())
  }

  #take(
    head: IncomingMessage,
    socket: Socket,
    first: Buffer,
    { host, isSecure, proxies, answer, taken }: UpgradesServer
  ): void {
    const [path = ''] = (head.url ?? '').split('?', 1)
    const claim = this.#claims.get(path)
    const isWebSocket = head.headers.upgrade?.toLowerCase() === 'websocket'
    if (claim === undefined || (claim.secureOnly && !isSecure) || !isWebSocket) {
      return answerAnyway(head, socket, answer)
    }
    const client = clientOfRequest(head, proxies)
    if (client === undefined) return void socket.destroy()
    // The server's, which ends what is silent.
    socket.setTimeout(0)
    taken?.(socket)
    // Of a proxy that spoke for itself the client was not known then.
    const isCounted = isSecure && !proxies.has(clientOfSocket(socket)?.ip)
    claim.handler({ head, client, isCounted, host }, socket, first)
  }
}

/** How many requests of a connection wait for the end of their answer: clients may send the next before that. */
function unansweredRequests(server: Server): (socket: Socket) => number {
  const counts = new WeakMap<Socket, number>()
  const countOf = (socket: Socket): number => counts.get(socket) ?? 0
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    counts.set(socket, countOf(socket) + 1)
    response.once('close', () => counts.set(socket, countOf(socket) - 1))
  })
  return countOf
}

/** Node gives an upgrade no response to write: the request is answered as if it had asked for none, and is the last. */
function answerAnyway(head: IncomingMessage, socket: Socket, answer: RequestHandler): void {
  const response = new ServerResponse(head)
  response.shouldKeepAlive = false
  response.assignSocket(socket)
  // As Node ends what it answers last: whoever keeps their end open holds no socket by it.
  response.once('finish', () => socket.destroySoon())
  const timer = setTimeout(() => socket.destroy(), ANSWER_MS)
  socket.once('close', () => clearTimeout(timer))
  answer(head, response)
}

import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { isIPv6 } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { systemCode } from '../../shared/errors.ts'
import { TrustedProxies } from './forwarded.ts'
import { HttpConnections } from './http-connections.ts'
import { PROBLEM_TYPE, ProblemError, problemOf } from './problems.ts'
import { takeProxyHeader } from './proxied-socket.ts'

/** HTTP listeners that share one request handler: one server for each address, all on one port. */

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void

/** What one client may hold of a server, and for how long. */
export interface SocketLimits {
  headersTimeoutMs: number
  requestTimeoutMs: number
  /** An idle connection is kept this long for the next request. */
  keepAliveTimeoutMs: number
  /** A connection on which nothing moves (a reader that stalls) is closed after this. */
  silenceTimeoutMs: number
  maxHeaderBytes: number
  /** Over all listeners; of those that were not upgraded. */
  maxConnections: number
  /** Of one IPv4 address or IPv6 /56, over all listeners: one client must not use up the rest. */
  maxConnectionsPerIpGroup: number
  /** How long answers under way may take once we stop. */
  stopGraceMs: number
}

export const SOCKET_LIMITS: SocketLimits = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 20_000,
  keepAliveTimeoutMs: 15_000,
  silenceTimeoutMs: 30_000,
  maxHeaderBytes: 8 * 1024,
  maxConnections: 1024,
  maxConnectionsPerIpGroup: 128,
  stopGraceMs: 1000
}

/** A host that could not be bound; the others may have been. */
export interface Unbound {
  host: string
  error: unknown
}

export interface Bound {
  servers: Server[]
  unbound: Unbound[]
}

/** With port 0, how often another port is tried when the one found is free on the first address only. */
const FREE_PORT_ATTEMPTS = 10

/**
 * Binds every host to the port; with port 0 all get the one that the first was given. Hosts that this machine
 * does not have are reported; any other failure is thrown, and then nothing stays open.
 */
export async function bindAll(hosts: readonly string[], port: number, open: () => Server): Promise<Bound> {
  for (let attempt = 1; ; attempt++) {
    const bound: Bound = { servers: [], unbound: [] }
    try {
      for (const host of distinct(hosts))
        await bindInto(bound, host, portOf(bound.servers[0]) ?? port, open())
      return bound
    } catch (error) {
      await Promise.all(bound.servers.map(server => closeServer(server, 0)))
      const another = port === 0 && bound.servers.length > 0 && systemCode(error) === 'EADDRINUSE'
      if (!another || attempt === FREE_PORT_ATTEMPTS) throw error
    }
  }
}

/** 0.0.0.0 covers every IPv4 address and :: every IPv6 one: binding another beside it would find the port taken. */
function distinct(hosts: readonly string[]): string[] {
  return [...new Set(hosts)].filter(host => {
    const every = isIPv6(host) ? '::' : '0.0.0.0'
    return host === every || !hosts.includes(every)
  })
}

async function bindInto(bound: Bound, host: string, port: number, server: Server): Promise<void> {
  try {
    await listen(server, host, port)
    bound.servers.push(server)
  } catch (error) {
    if (!isAbsent(error)) throw error
    bound.unbound.push({ host, error })
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // ipv6Only: otherwise :: takes IPv4 too, and 0.0.0.0 finds the port taken.
    server.listen({ host, port, ipv6Only: isIPv6(host) }, () => {
      server.off('error', reject)
      // Such as EMFILE while accepting: the next connection may do better, so it must not end the process.
      server.on('error', () => {})
      resolve()
    })
  })
}

/** The address or its whole family is not on this machine. */
function isAbsent(error: unknown): boolean {
  return ['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EPROTONOSUPPORT', 'EINVAL'].includes(systemCode(error) ?? '')
}

export interface ServerOptions {
  /** A certificate and its key (PEM): the servers speak TLS. */
  tls?: { cert: string; key: string } | undefined
  /** Who may say whose connection it is. */
  proxies?: TrustedProxies
  /** What is open already, where others must know of it; it holds the limits. */
  connections?: HttpConnections
  /** Makes a socket of one that has come, over which HTTP is spoken; unless given, that is the same. */
  accept?: (socket: Socket, speak: (socket: Socket) => void) => void
}

/** Makes servers, not yet listening, that hold the limits together. */
export function serverFactory(
  handler: RequestHandler,
  limits: SocketLimits,
  { tls, proxies = new TrustedProxies([]), connections: known, accept = asItIs }: ServerOptions = {}
): () => Server {
  const connections = known ?? new HttpConnections(proxies, limits)
  return () => {
    const options = {
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      maxHeaderSize: limits.maxHeaderBytes,
      // How exactly the first two are kept.
      connectionsCheckingInterval: Math.min(1000, limits.headersTimeoutMs)
    }
    const server =
      tls === undefined
        ? createServer(options, handler)
        : createTlsServer(
            { ...options, cert: tls.cert, key: tls.key, handshakeTimeout: limits.headersTimeoutMs },
            handler
          )
    server.setTimeout(limits.silenceTimeoutMs)
    server.on('clientError', answerClientError)
    const serve = server.listeners('connection')
    afterProxyHeaders(server, { proxies, limits }, socket => {
      if (!connections.admit(socket)) return void socket.destroy()
      accept(socket, over => serve.forEach(listener => void listener.call(server, over)))
    })
    return server
  }
}

const asItIs: NonNullable<ServerOptions['accept']> = (socket, speak) => speak(socket)

/** Sockets of proxies whose first bytes are awaited, and which their server does not know yet. */
const awaited = new WeakMap<Server, Set<Socket>>()

/** Shows a server the sockets of proxies only when their PROXY header was taken off them. */
function afterProxyHeaders(
  server: Server,
  { proxies, limits }: { proxies: TrustedProxies; limits: SocketLimits },
  show: (socket: Socket) => void
): void {
  const waiting = new Set<Socket>()
  awaited.set(server, waiting)
  const take = async (socket: Socket): Promise<void> => {
    waiting.add(socket)
    try {
      await takeProxyHeader(socket, proxies, limits.headersTimeoutMs)
      show(socket)
      socket.resume()
    } catch {
      // It was destroyed.
    } finally {
      waiting.delete(socket)
    }
  }
  server.removeAllListeners('connection')
  server.on('connection', socket => {
    if (!proxies.has(socket.remoteAddress)) show(socket)
    else if (waiting.size < limits.maxConnections) void take(socket)
    else socket.destroy()
  })
}

/** What Node's parser refuses never becomes a request, so the answer is written by hand. */
function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  // bytesWritten: an answer may be under way or done; a second status line would be taken for its body. Whose TLS failed
  // cannot read one.
  const failedTls = error.code?.startsWith('ERR_SSL') === true || error.code?.startsWith('ERR_TLS') === true
  if (!socket.writable || error.code === 'ECONNRESET' || socket.bytesWritten > 0 || failedTls) {
    socket.destroy()
    return
  }
  const problem = problemOf(refusalOf(error.code))
  const body = JSON.stringify(problem)
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\n` +
      `content-type: ${PROBLEM_TYPE}; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n` +
      'x-content-type-options: nosniff\r\ncache-control: no-store\r\nconnection: close\r\n\r\n' +
      body,
    // Whoever does not read it keeps no half-open socket.
    () => socket.destroy()
  )
}

function refusalOf(code: string | undefined): ProblemError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new ProblemError('headers-too-large', 'The headers are too large.')
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ProblemError('request-timeout', 'The request took too long to arrive.')
    default:
      return new ProblemError('bad-request', 'This is not HTTP as we know it.')
  }
}

/** Stops accepting at once, lets answers under way finish within the grace, then closes what is left. */
export function closeServer(server: Server, graceMs: number): Promise<void> {
  return new Promise(resolve => {
    // Connections that never sent a request count as busy to Node: only this ends them.
    const cut = setTimeout(() => server.closeAllConnections(), graceMs)
    server.close(() => {
      clearTimeout(cut)
      resolve()
    })
    server.closeIdleConnections()
    for (const socket of awaited.get(server) ?? []) socket.destroy()
  })
}

/** Where it listens: `0.0.0.0`. */
export function hostOf(server: Server): string {
  return (server.address() as AddressInfo).address
}

/** `http://127.0.0.1:4002`, `http://[::1]:4002`; the unspecified address stays as it is. */
export function urlOf(server: Server): string {
  const { address, port } = server.address() as AddressInfo
  return `http://${isIPv6(address) ? `[${address}]` : address}:${port}`
}

function portOf(server: Server | undefined): number | undefined {
  return server === undefined ? undefined : (server.address() as AddressInfo).port
}

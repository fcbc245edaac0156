import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Endpoint, TrustedProxies } from './forwarded.ts'
import { ProxyHeaderReader } from './proxy-protocol.ts'

/** Node's sockets and requests that came by way of a proxy. */

/** Whom a proxy has named for its socket. */
const clients = new WeakMap<Socket, Endpoint>()

/**
 * Takes the PROXY header, if there is one, off a socket that a trusted proxy has opened; the bytes behind it are then the
 * first that are read from it. To be called before anything else reads or listens to it.
 * @throws where a header is broken, or nothing comes in time: the socket is destroyed then
 */
export async function takeProxyHeader(
  socket: Socket,
  proxies: TrustedProxies,
  timeoutMs: number
): Promise<void> {
  if (!proxies.has(socket.remoteAddress)) return
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const header = new ProxyHeaderReader()
  const onData = (bytes: Buffer): void => {
    try {
      const read = header.add(bytes)
      if (read === undefined) return
      socket.off('data', onData).pause()
      if (read.client !== undefined) clients.set(socket, read.client)
      if (read.rest.byteLength > 0) socket.unshift(read.rest)
      resolve()
    } catch (error) {
      reject(error)
    }
  }
  const onOver = (): void => reject(new Error('it ended before its first bytes'))
  const timer = setTimeout(() => reject(new Error('its first bytes took too long')), timeoutMs)
  socket.on('data', onData).on('end', onOver).on('close', onOver).on('error', reject).resume()
  try {
    await promise
  } catch (error) {
    // Stays heard: an error may follow.
    socket.off('data', onData).destroy()
    throw error
  } finally {
    clearTimeout(timer)
    socket.off('end', onOver).off('close', onOver)
  }
  socket.off('error', reject)
}

/** A socket that was made of another, such as a TLS socket, has the same client. */
export function inheritClient(socket: Socket, from: Socket): void {
  const client = clients.get(from)
  if (client !== undefined) clients.set(socket, client)
}

/** Who is at the other end: by the PROXY header that was taken off it, else by its own address, unless it is gone. */
export function clientOfSocket(socket: Socket): Endpoint | undefined {
  const { remoteAddress, remotePort } = socket
  const client = clients.get(socket)
  if (client !== undefined || remoteAddress === undefined) return client
  // A link-local address names an interface of ours, which is none of the peer's address.
  return { ip: remoteAddress.replace(/%.*/, ''), port: remotePort ?? 0 }
}

/** The same of a request, by what the proxies say that it came through; undefined: its socket is gone. */
export function clientOfRequest(request: IncomingMessage, proxies: TrustedProxies): Endpoint | undefined {
  const peer = clientOfSocket(request.socket)
  if (peer === undefined) return undefined
  return { ...peer, ip: proxies.clientOf(peer.ip, valuesOf(request, 'x-forwarded-for')) }
}

/**
 * The values of a field, line by line. Not from `headersDistinct`: in older releases of Node it throws for a field named
 * `__proto__`.
 * @param name in lower case
 */
function valuesOf({ rawHeaders }: IncomingMessage, name: string): string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name)
}

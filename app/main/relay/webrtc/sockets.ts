import { createSocket } from 'node:dgram'
import { AppError } from '../../../shared/errors.ts'
import type { IceUdpMuxListener, IceUdpMuxRequest, NativeWebRtc } from './native.ts'

export interface SocketsOptions {
  native: NativeWebRtc
  /** Where all addresses of both families are listened on, one socket does for both. */
  bothFamilies: boolean
}

export interface Socket {
  port: number
  /** It hears nothing more. */
  close(): void
}

type OnRequest = (request: IceUdpMuxRequest) => void
type Family = 4 | 6

interface Shared {
  mux: IceUdpMuxListener
  host: string
  listeners: Map<Family, OnRequest>
}

const ANY: Record<Family, string> = { 4: '0.0.0.0', 6: '::' }

/**
 * By port: the library has one socket for each, whatever the address. They stay open as long as the program runs:
 * the library cannot close one, and forgets where to call while it goes on calling (docs/adr/0004). A node that is
 * started again takes up the one that is there.
 */
const open = new Map<number, Shared>()
/** One after another, or two would open the same port. */
let last: Promise<unknown> = Promise.resolve()

/** Listens on a UDP port. `onRequest`: a STUN request by a name that nobody has. @throws AppError, the system's error */
export function listenOn(
  options: SocketsOptions,
  host: string,
  port: number,
  onRequest: OnRequest
): Promise<Socket> {
  const opening = last.then(() => listen(options, host, port, onRequest))
  last = opening.catch(() => {})
  return opening
}

async function listen(
  { native, bothFamilies }: SocketsOptions,
  host: string,
  wanted: number,
  onRequest: OnRequest
): Promise<Socket> {
  const family = familyOf(host)
  const isAny = host === ANY[family]
  const before = open.get(wanted)
  if (before !== undefined) {
    const fits = before.host === host || (before.host === ANY[6] && isAny && bothFamilies)
    if (fits && !before.listeners.has(family)) return join(before, wanted, family, onRequest)
    // Where the machine has no IPv6, say that.
    if (family === 6) await freePort(host, 0)
    const what = `WebRTC-direct has one address for a port: it listens on ${before.host}, and goes without ${host}.`
    const mend = 'Where the setting was changed, restart the program.'
    const details = { setting: `listen.ip${family}`, address: host }
    throw new AppError('address-unusable', `${what} ${mend}`, details)
  }
  const port = await freePort(host, wanted)
  const isBoth = bothFamilies && isAny && wanted !== 0 && (await isFree(ANY[6], port))
  const at = isBoth ? ANY[6] : host
  const own: Shared = { mux: new native.IceUdpMuxListener(port, at), host: at, listeners: new Map() }
  own.mux.onUnhandledStunRequest(request => own.listeners.get(familyOf(request.host))?.(request))
  open.set(port, own)
  return join(own, port, family, onRequest)
}

function join(shared: Shared, port: number, family: Family, onRequest: OnRequest): Socket {
  shared.listeners.set(family, onRequest)
  return { port, close: () => void shared.listeners.delete(family) }
}

const familyOf = (host: string): Family => (host.includes(':') ? 6 : 4)

/** A port that can be had there, with the system's own error where it cannot: the library says only that it failed. */
async function freePort(host: string, port: number): Promise<number> {
  const isIp6 = familyOf(host) === 6
  const socket = createSocket({ type: isIp6 ? 'udp6' : 'udp4', ipv6Only: isIp6 })
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  socket.once('error', reject)
  socket.bind({ address: host, port, exclusive: true }, () => resolve(socket.address().port))
  try {
    return await promise
  } finally {
    const closed = Promise.withResolvers<void>()
    socket.close(() => closed.resolve())
    await closed.promise
  }
}

async function isFree(host: string, port: number): Promise<boolean> {
  return freePort(host, port).then(
    () => true,
    () => false
  )
}

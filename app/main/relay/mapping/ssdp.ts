import { createSocket, type Socket } from 'node:dgram'
import { isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { isPublicIp } from '../../net/ip.ts'

/**
 * The search for UPnP gateways by SSDP (UPnP Device Architecture 1.1, section 1.3). It asks for version 1 as well as 2:
 * many routers answer to 1 alone. It asks the default gateway by its own address too, because a firewall that knows
 * connections lets only that answer in.
 */

const MULTICAST = '239.255.255.250'
const PORT = 1900
const HOPS = 2
const SEARCHES_AT_MS = [0, 400, 1_200]
const TARGETS = [1, 2].map(version => `urn:schemas-upnp-org:device:InternetGatewayDevice:${version}`)
const MOST_ANSWERS = 16
/** A device describes itself at one place or two: one that is broken must not keep others from being heard. */
const MOST_ANSWERS_EACH = 4
const MOST_BYTES = 2048

/**
 * Where gateways that answer describe themselves, each once, until the signal ends the search; those that answered by then are
 * still told of, because whoever asks may have been kept waiting by another. The default gateway goes first.
 */
export async function* searchGateways(
  defaultGateway: string | undefined,
  signal: AbortSignal
): AsyncGenerator<URL, void, unknown> {
  const answers = new GatewayAnswers(defaultGateway)
  let wake = (): void => {}
  const sockets = localAddresses().map(localAddress =>
    openSocket(localAddress, (text, from) => {
      const location = locationOf(text, from)
      if (location === undefined) return
      answers.add(location)
      wake()
    })
  )
  const ended = new AbortController()
  const end = AbortSignal.any([signal, ended.signal])
  end.addEventListener('abort', () => wake())
  ask(sockets, defaultGateway, end).catch(() => {})
  try {
    for (;;) {
      const answer = answers.next()
      if (answer !== undefined) yield answer
      else if (end.aborted) return
      else await new Promise<void>(resolve => (wake = resolve))
    }
  } finally {
    ended.abort()
    for (const socket of sockets) socket.close()
  }
}

/** What has answered and was not looked at yet: each description once, the default gateway's first. */
export class GatewayAnswers {
  readonly #defaultGateway: string | undefined
  readonly #seen = new Map<string, URL>()
  readonly #waiting: URL[] = []

  constructor(defaultGateway: string | undefined) {
    this.#defaultGateway = defaultGateway
  }

  add(location: URL): void {
    const { href, hostname } = location
    const isDefault = hostname === this.#defaultGateway
    const ofSame = [...this.#seen.values()].filter(url => url.hostname === hostname).length
    if (this.#seen.has(href) || ofSame >= MOST_ANSWERS_EACH) return
    if (this.#seen.size >= MOST_ANSWERS && !isDefault) return
    this.#seen.set(href, location)
    if (isDefault) this.#waiting.unshift(location)
    else this.#waiting.push(location)
  }

  next(): URL | undefined {
    return this.#waiting.shift()
  }
}

/** IPv4 addresses of this machine in local networks. */
function localAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap(addresses => addresses ?? [])
    .filter(
      ({ family, internal, address }) => family === 'IPv4' && !internal && !address.startsWith('169.254.')
    )
    .map(({ address }) => address)
}

function openSocket(localAddress: string, answered: (text: string, from: string) => void): Socket {
  const socket = createSocket({ type: 'udp4' })
  // An interface that went away, or one that knows no multicast: the others still search.
  socket.on('error', () => {})
  socket.on('message', (message, { address }) => {
    if (message.length <= MOST_BYTES) answered(message.toString('latin1'), address)
  })
  socket.bind(0, localAddress, () => {
    try {
      socket.setMulticastTTL(HOPS)
      socket.setMulticastInterface(localAddress)
    } catch {
      // It goes out by the interface that the system chooses.
    }
  })
  return socket
}

async function ask(sockets: Socket[], gateway: string | undefined, signal: AbortSignal): Promise<void> {
  const hosts = gateway === undefined ? [MULTICAST] : [MULTICAST, gateway]
  let waited = 0
  for (const at of SEARCHES_AT_MS) {
    try {
      await delay(at - waited, undefined, { signal })
    } catch {
      return
    }
    waited = at
    for (const host of hosts) {
      for (const target of TARGETS) {
        for (const socket of sockets) socket.send(searchMessage(host, target), PORT, host, () => {})
      }
    }
  }
}

function searchMessage(host: string, target: string): string {
  const lines = [
    'M-SEARCH * HTTP/1.1',
    `HOST: ${host}:${PORT}`,
    'MAN: "ssdp:discover"',
    'MX: 1',
    `ST: ${target}`
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

/**
 * Where the answering device describes itself. Only at its own address, and not on the Internet: otherwise anyone in
 * the local network could have this machine send requests to a place of their choice.
 */
export function locationOf(answer: string, from: string): URL | undefined {
  if (!/^HTTP\/1\.[01] 200\b/.test(answer)) return undefined
  if (!TARGETS.some(target => headerOf(answer, 'st') === target)) return undefined
  const location = urlOf(headerOf(answer, 'location') ?? '')
  if (location?.protocol !== 'http:' || location.hostname !== from) return undefined
  return isIPv4(from) && !isPublicIp(from) ? location : undefined
}

/** The URL that a router wrote; undefined if it is none. */
export function urlOf(text: string, base?: URL): URL | undefined {
  return URL.canParse(text, base?.href) ? new URL(text, base) : undefined
}

function headerOf(message: string, name: string): string | undefined {
  return new RegExp(`^${name}[ \\t]*:(.*)$`, 'im').exec(message)?.[1]?.trim()
}

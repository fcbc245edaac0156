import type { Connection } from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import type { Libp2p } from 'libp2p'
import { messageOf, sleep } from './words.ts'

const IDENTITY = '/api/v1/identity?for=browser'
const RESERVATION_TIMEOUT_MS = 10_000
const RETRY_MS = 1_000
const LONGEST_RETRY_MS = 8_000

export type RelayState =
  | { name: 'connecting' }
  /** Others reach this page at that address. */
  | { name: 'reserved'; address: string }
  | { name: 'waiting'; why: string }

export interface RelayOptions {
  /** A relay's address, or where its public pages are: `http://HOST:4002` */
  relay: string
  changed: (state: RelayState) => void
  /** Ends it. */
  signal: AbortSignal
}

/** Keeps a reservation on the relay: connects again whenever the connection is lost. */
export async function holdReservation(node: Libp2p, { relay, changed, signal }: RelayOptions): Promise<void> {
  const tell: typeof changed = state => {
    if (!signal.aborted) changed(state)
  }
  for (let delay = RETRY_MS; !signal.aborted; delay = Math.min(delay * 2, LONGEST_RETRY_MS)) {
    try {
      tell({ name: 'connecting' })
      const connection = await dialFirst(node, await findRelay(relay))
      const address = await reservation(node, connection)
      tell({ name: 'reserved', address })
      await closed(connection)
      delay = RETRY_MS
      tell({ name: 'waiting', why: 'The relay is gone.' })
    } catch (error) {
      tell({ name: 'waiting', why: messageOf(error) })
    }
    await sleep(delay)
  }
}

/** The addresses of a relay that a page can dial, the likeliest first. */
async function findRelay(given: string): Promise<Multiaddr[]> {
  if (/^\/(ip|dns)/.test(given)) return [multiaddr(given)]
  const url = new URL(given, location.href)
  const answer = await fetch(new URL(IDENTITY, url)).catch(() => undefined)
  if (answer?.ok !== true) throw new Error(`No relay answers at ${url.origin}.`)
  const { addresses } = (await answer.json()) as { addresses: string[] }
  const dialable = addresses.filter(canDial)
  if (dialable.length === 0)
    throw new Error(
      location.protocol === 'https:'
        ? 'The relay has no address for pages served by https: it needs secure WebSocket or WebRTC-direct.'
        : 'The relay has no address for browsers: it needs WebSocket or WebRTC-direct.'
    )
  // The host by which the page found the relay, and there WebSocket, which gets through where UDP does not.
  const host = url.hostname === 'localhost' ? '127.0.0.1' : url.hostname.replace(/^\[|\]$/g, '')
  const likely = (address: string): number =>
    Number(address.split('/')[2] === host) * 2 + Number(!address.includes('/webrtc-direct/'))
  return dialable.sort((a, b) => likely(b) - likely(a)).map(address => multiaddr(address))
}

/** A page served by https may open no plain WebSocket ("mixed content"). */
function canDial(address: string): boolean {
  if (/\/(tls\/ws|tls\/sni\/[^/]+\/ws|wss|webrtc-direct)(\/|$)/.test(address)) return true
  return address.includes('/ws/') && location.protocol !== 'https:'
}

async function dialFirst(node: Libp2p, addresses: readonly Multiaddr[]): Promise<Connection> {
  let failure: unknown
  for (const address of addresses) {
    try {
      return await node.dial(address, { signal: AbortSignal.timeout(10_000) })
    } catch (error) {
      failure ??= error
    }
  }
  throw new Error(`The relay cannot be reached: ${messageOf(failure)}`)
}

/** The address of this page over that relay, once the relay has given it a place. */
async function reservation(node: Libp2p, relay: Connection): Promise<string> {
  const over = `${relay.remoteAddr.toString()}/p2p-circuit/p2p/`
  const deadline = Date.now() + RESERVATION_TIMEOUT_MS
  while (relay.status === 'open' && Date.now() < deadline) {
    const own = node.getMultiaddrs().map(String)
    const address = own.find(each => each.startsWith(over))
    if (address !== undefined) return address
    await sleep(100)
  }
  throw new Error('The relay gives no reservation: it may be full, or this address asked too often.')
}

function closed(connection: Connection): Promise<void> {
  return new Promise(resolve => {
    if (connection.status !== 'open') resolve()
    else connection.addEventListener('close', () => resolve(), { once: true })
  })
}

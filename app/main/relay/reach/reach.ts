import { setTimeout as delay } from 'node:timers/promises'
import type {
  Connection,
  IdentifyResult,
  Libp2pEvents,
  PeerId,
  PeerStore,
  Startable,
  TypedEventTarget
} from '@libp2p/interface'
import type {
  AddressManager,
  ConnectionManager,
  Registrar,
  TransportManager
} from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { AddressInfo } from '../../../shared/api.ts'
import type { ViaInfo } from '../../../shared/api/ladder.ts'
import { isPublicIp } from '../../net/ip.ts'
import { ipOf, ipOfAddress, isPublicAddress } from '../addresses.ts'
import { named } from '../auto-tls/names.ts'
import { Identified } from '../identify/identified.ts'
import { announcedAt, announcedAtHost } from '../listening.ts'
import type { NetworkWatch } from '../network-watch.ts'
import { askV1, askV2, DIAL_BACK_PROTOCOL, DialBacks, V1_PROTOCOL, V2_PROTOCOL } from './autonat.ts'
import type { Outcome, Version } from './autonat.ts'
import { AddressBook, withoutPeerId, type BookClock, type Inquiry, type Known } from './book.ts'
import { ObservedIps } from './observed-ips.ts'

/** How soon a new address is noticed: an interface that came up, a mapping. */
const LOOK_MS = 5_000
/** How soon one is looked at after a peer has said who it is. */
const SOON_MS = 250
/** How often at most all addresses are asked about anew. */
const DOUBT_AGAIN_MS = 30_000
/** Fuller than this a node refuses dial backs, which then say nothing of its addresses. */
const FULL = 0.8
/** How long a peer may take to say what it speaks, and how often it is looked at meanwhile. */
const IDENTIFY_MS = 5_000
const IDENTIFY_LOOK_MS = 50
/** Peers whose v1 server is of no use, as far as they are remembered. */
const MOST_USELESS = 1000

export interface ReachComponents {
  peerId: PeerId
  peerStore: PeerStore
  registrar: Registrar
  events: TypedEventTarget<Libp2pEvents>
  addressManager: AddressManager
  transportManager: TransportManager
  connectionManager: ConnectionManager
}

export interface ReachOptions {
  /** The setting `announce`: what to announce instead of what is found out. */
  announce: readonly string[]
  /** The setting `announceIp`: announced with every open port, beside `announce` too. */
  announceIp: readonly string[]
  /** The setting `announceHost`: announced with every open port, too. */
  announceHost?: string
  /** Whether clients can make use of an address: its certificate is for its host. */
  isUsable?: (address: Multiaddr) => boolean
  /** The domain of ws.autoTls, where there is a certificate for it: secure WebSocket is announced by names in it. */
  tlsDomain?: () => string | undefined
  /** Peers that lose something with their connection. */
  isClient: (peer: PeerId) => boolean
  /** A state changed, or an address is new. */
  changed: (info: AddressInfo) => void
  clock?: BookClock
  /** Says when the machine may be somewhere else. */
  watch?: Pick<NetworkWatch, 'onChange'>
}

const systemClock: BookClock = { now: () => performance.now(), date: () => new Date() }

/**
 * Knows which addresses of the node others can reach, and so what it announces: it asks peers to dial back
 * (AutoNAT v2, or v1 of those without it). libp2p's own marks of verification are not used: it takes all ports of an
 * IP address for verified as soon as one is (test/upstream/autonat.test.ts).
 */
export class Reach implements Startable {
  readonly #components: ReachComponents
  readonly #options: ReachOptions
  readonly #book: AddressBook
  readonly #observed = new ObservedIps()
  readonly #dialBacks = new DialBacks()
  /** By peer, what its identify says it speaks. */
  readonly #versions = new Map<string, Version>()
  readonly #asking = new Set<string>()
  readonly #uselessV1 = new Set<string>()
  #announced = ''
  #stopping = new AbortController()
  #timer: ReturnType<typeof setInterval> | undefined
  #soon: ReturnType<typeof setTimeout> | undefined
  #unwatch: (() => void) | undefined
  /** When all was last asked about anew, on the clock. */
  #doubtedMs = -Infinity

  constructor(components: ReachComponents, options: ReachOptions) {
    this.#components = components
    this.#options = options
    const { clock = systemClock, changed } = options
    this.#book = new AddressBook({ clock, changed }, { peerId: components.peerId.toString() })
  }

  async start(): Promise<void> {
    const { registrar, events } = this.#components
    this.#stopping = new AbortController()
    await registrar.handle(DIAL_BACK_PROTOCOL, this.#dialBacks.onStream, { maxInboundStreams: 2 })
    events.addEventListener('peer:identify', this.#onIdentify)
    events.addEventListener('peer:disconnect', this.#onDisconnect)
    this.#unwatch = this.#options.watch?.onChange(() => this.#onChange())
    this.#timer = setInterval(() => this.#look(), LOOK_MS)
  }

  /** Looks at once, where libp2p would wait for the first tick. */
  afterStart(): void {
    this.#look()
  }

  async stop(): Promise<void> {
    const { registrar, events } = this.#components
    clearInterval(this.#timer)
    clearTimeout(this.#soon)
    this.#timer = undefined
    this.#unwatch?.()
    this.#stopping.abort()
    events.removeEventListener('peer:identify', this.#onIdentify)
    events.removeEventListener('peer:disconnect', this.#onDisconnect)
    await registrar.unhandle(DIAL_BACK_PROTOCOL)
  }

  /** All addresses of the node, as they are now; public ones first. */
  states(): AddressInfo[] {
    this.#book.update(this.#known())
    return this.#book.states()
  }

  /**
   * What to announce, out of what libp2p would (its announceFilter): private addresses, for the network around, and
   * of the public ones those that are given or verified. With the setting `announce`: that, and what is given otherwise.
   */
  announce(candidates: readonly Multiaddr[]): Multiaddr[] {
    const { tlsDomain, isUsable = () => true } = this.#options
    const ours = this.#given()
      .map(address => named(address, tlsDomain?.()).address)
      .filter(isUsable)
    // What a person wrote stands as it is.
    if (this.#options.announce.length > 0) return [...candidates, ...ours]
    const proven = candidates.filter(address => {
      const hasPublicIp = ipOfAddress(address) !== undefined && isPublicAddress(address)
      return !hasPublicIp
    })
    return [...[...proven, ...this.#book.verified()].filter(isUsable), ...ours]
  }

  /**
   * Asks a peer that someone chose about all public addresses, one after another, whatever others have said. It must be
   * connected directly. Its failures to answer are outcomes.
   */
  async askAll(connection: Connection): Promise<ViaInfo> {
    const peer = connection.remotePeer.toString()
    const version = await this.#versionWithin(peer, IDENTIFY_MS)
    this.#book.update(this.#known())
    const answers: ViaInfo['answers'] = []
    for (const inquiry of this.#book.inquiries(ipOf(connection) ?? '')) {
      const outcome = version === undefined ? 'none' : await this.#ask(connection, version, inquiry)
      if (version !== undefined) inquiry.answer(version, outcome)
      answers.push({ address: inquiry.text, outcome })
    }
    this.#look()
    return { peer, version: version ?? 'none', answers }
  }

  /** A new connection has to be identified first. */
  async #versionWithin(peer: string, milliseconds: number): Promise<Version | undefined> {
    const deadline = performance.now() + milliseconds
    while (!this.#versions.has(peer) && performance.now() < deadline) await delay(IDENTIFY_LOOK_MS)
    return this.#versions.get(peer)
  }

  readonly #onIdentify = ({ detail }: CustomEvent<IdentifyResult>): void => {
    const { connection, peerId } = detail
    const witness = ipOf(connection)
    const ip = detail instanceof Identified ? detail.observedIp4 : undefined
    // The router may have another address than before, and nobody else would say so.
    if (witness !== undefined && ip !== undefined && this.#observed.add(ip, witness)) this.#doubt()
    // Identify may end after the connection did.
    if (this.#components.connectionManager.getConnections(peerId).length === 0) return
    const version = versionOf(detail)
    if (version === undefined) this.#versions.delete(peerId.toString())
    else this.#versions.set(peerId.toString(), version)
    // When a thousand peers come at once, one look is enough for many of them.
    this.#soon ??= setTimeout(() => this.#look(), SOON_MS)
  }

  readonly #onDisconnect = ({ detail }: CustomEvent<PeerId>): void => {
    this.#versions.delete(detail.toString())
  }

  /** What has changed on this machine shows at once; the rest is asked about anew. */
  #onChange(): void {
    this.#observed.renew()
    this.#doubt()
    this.#look()
  }

  /** Not again soon: strangers can say something else each time. */
  #doubt(): void {
    const now = performance.now()
    if (now - this.#doubtedMs < DOUBT_AGAIN_MS) return
    this.#doubtedMs = now
    this.#book.doubt()
  }

  #look(): void {
    clearTimeout(this.#soon)
    this.#soon = undefined
    if (this.#stopping.signal.aborted) return
    this.#book.update(this.#known())
    this.#publish()
    if (!this.#book.isAsking) return
    const { connectionManager } = this.#components
    const connections = connectionManager.getConnections()
    if (connections.length >= FULL * connectionManager.getMaxConnections()) return
    // Those that we dialled are servers more often, and v2 proves what v1 says.
    const rank = (connection: Connection): number =>
      (connection.direction === 'outbound' ? 0 : 1) +
      (this.#versions.get(connection.remotePeer.toString()) === 'v2' ? 0 : 2)
    for (const connection of [...connections].sort((a, b) => rank(a) - rank(b))) this.#askNext(connection)
  }

  /** One question at a time to each peer: servers take no more. */
  #askNext(connection: Connection): void {
    const peer = connection.remotePeer.toString()
    const ip = ipOf(connection)
    const version = this.#versions.get(peer)
    if (ip === undefined || !isPublicIp(ip) || version === undefined) return
    if (this.#asking.has(peer) || connection.status !== 'open' || connection.limits !== undefined) return
    if (version === 'v1' && !this.#isFitForV1(connection, peer)) return
    const inquiry = this.#book.next(ip)
    if (inquiry === undefined) return
    this.#asking.add(peer)
    void this.#ask(connection, version, inquiry).then(outcome => {
      this.#asking.delete(peer)
      inquiry.answer(version, outcome)
      this.#look()
    })
  }

  /**
   * A js-libp2p that does not say so (see below) may close the connection: only those that we opened are used, of no
   * client of ours, and a server that gave no answer is not asked again.
   */
  #isFitForV1(connection: Connection, peer: string): boolean {
    if (connection.direction !== 'outbound' || this.#uselessV1.has(peer)) return false
    return !this.#options.isClient(connection.remotePeer)
  }

  async #ask(connection: Connection, version: Version, inquiry: Inquiry): Promise<Outcome> {
    const { signal } = this.#stopping
    try {
      if (version === 'v2') return await askV2(connection, inquiry, this.#dialBacks, signal)
      return await askV1(connection, inquiry, this.#components.peerId, signal)
    } catch {
      return 'none'
    } finally {
      if (version === 'v1' && connection.status !== 'open')
        this.#noteUseless(connection.remotePeer.toString())
    }
  }

  #noteUseless(peer: string): void {
    this.#uselessV1.add(peer)
    const [oldest] = this.#uselessV1
    if (this.#uselessV1.size > MOST_USELESS && oldest !== undefined) this.#uselessV1.delete(oldest)
  }

  /** Tells everyone who is connected, by identify push, once what is announced has changed. */
  #publish(): void {
    const { addressManager, peerStore, peerId } = this.#components
    const addresses = addressManager.getAddresses().map(withoutPeerId)
    const text = addresses.map(String).sort().join(' ')
    if (text === this.#announced) return
    this.#announced = text
    peerStore.patch(peerId, { multiaddrs: addresses }).catch(() => (this.#announced = ''))
  }

  #known(): Known[] {
    const { addressManager, transportManager } = this.#components
    const of = (origin: Known['origin'], addresses: readonly Multiaddr[]): Known[] =>
      addresses.map(address => ({ ...named(withoutPeerId(address), this.#options.tlsDomain?.()), origin }))
    const known = addressManager.getAddressesWithMetadata()
    const ofType = (type: string): Multiaddr[] =>
      known.filter(one => one.type === type).map(one => one.multiaddr)
    const listening = transportManager.getAddrs()
    const { announce, announceIp } = this.#options
    // Someone who says where the node is need not be told by others.
    const seen = announce.length + announceIp.length > 0 ? [] : this.#observed.believed()
    return [
      ...of('given', [...ofType('announce'), ...this.#given()]),
      ...of('listening', listening),
      ...of('mapped', ofType('ip-mapping')),
      ...of('observed', announcedAt(seen, listening))
    ]
  }

  #given(): Multiaddr[] {
    const { announceIp, announceHost = '' } = this.#options
    const listening = this.#components.transportManager.getAddrs()
    return [...announcedAt(announceIp, listening), ...announcedAtHost(announceHost, listening)]
  }
}

/**
 * Upstream's v1 server takes the connection that it is asked over for its dial back, answers that it was the wrong
 * one, and closes it: js-libp2p is not asked by v1. (Its agent version ends in its platform, unless set by the app.)
 */
const JS_LIBP2P = /js-libp2p|\b(node|browser|electron|bun|deno)\/\d/

function versionOf({ protocols, agentVersion = '' }: IdentifyResult): Version | undefined {
  if (protocols.includes(V2_PROTOCOL)) return 'v2'
  return protocols.includes(V1_PROTOCOL) && !JS_LIBP2P.test(agentVersion) ? 'v1' : undefined
}

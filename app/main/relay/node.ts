import { bootstrap } from '@libp2p/bootstrap'
import { FaultTolerance, type PrivateKey } from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'
import type { SingleKadDHT } from '@libp2p/kad-dht'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p, type Libp2pOptions } from 'libp2p'
import type { AddressInfo, AutoTlsInfo, MappingInfo, OverloadInfo } from '../../shared/api.ts'
import type { ViaInfo } from '../../shared/api/ladder.ts'
import { AppError } from '../../shared/errors.ts'
import type { Settings } from '../../shared/settings.ts'
import { isPublicIp } from '../net/ip.ts'
import type { TrafficHints } from '../net/traffic.ts'
import type { NodeBus } from '../observe/events.ts'
import { Addresses, hostOfAddress, ipOfAddress, transportOf, type AddressComponents } from './addresses.ts'
import type { Pem } from './auto-tls/files.ts'
import { AutoTlsService, type AutoTlsServiceComponents } from './auto-tls/service.ts'
import { systemTiming } from './budget/shaper.ts'
import type { BudgetGate } from './circuit/gate.ts'
import { CircuitRelay, type CircuitRelayComponents } from './circuit/service.ts'
import { ConnectionCheck, type CheckComponents } from './connection-check.ts'
import { keepConnectionList } from './connection-list.ts'
import { DirectStreams } from './direct-streams.ts'
import { Arrivals } from './fast/arrivals.ts'
import { WsBounds } from './fast/ws/bounds.ts'
import type { SharedTls } from './fast/ws/shared-listener.ts'
import { forgetPeersThatLeft } from './forget-peers.ts'
import { Identify, type IdentifyComponents } from './identify/service.ts'
import { Inspector } from './inspect.ts'
import { LeanPeerStore } from './lean-peer-store.ts'
import { accessOf, arrivalsOf, connectionsFor, limitsOf, peerRatesOf } from './limits.ts'
import { judgeFailures, listenAddresses, secureAddresses, type ListenFailure } from './listening.ts'
import { portMapping, type PortMapping } from './mapping/service.ts'
import { Networks, type NetworkNow, type NetworksComponents } from './networks/networks.ts'
import { bootstrapOf } from './networks/plan.ts'
import { NetworkWatch } from './network-watch.ts'
import { Overload, overloadLimitsOf, shedding } from './overload.ts'
import { PeerEvents } from './peer-events.ts'
import { boundedPing, PING_PROTOCOL, Pongs } from './ping.ts'
import { libp2pLogger } from './quiet-logger.ts'
import { Reach, type ReachComponents } from './reach/reach.ts'
import { autoNatServers } from './reach/servers.ts'
import type { Way, WayFailure } from './reachability/facts.ts'
import { dialChosen } from './reachability/via.ts'
import { wayFailureOf, waysOf } from './reachability/ways.ts'
import { tellSegments } from './segments.ts'
import { fastSigning } from './signing.ts'
import { protocols } from './transports.ts'

const UPGRADE_TIMEOUT_MS = 30_000

export interface RelayNodeComponents {
  privateKey: PrivateKey
  bus: NodeBus
  /** Numbers of circuits, where several nodes follow each other in one process. */
  nextCircuitId?: () => number
  /** Is told of the datagrams of QUIC. */
  traffic?: TrafficHints
  /** Who may begin a handshake, where others than this node ask it too; it has one of its own else. */
  arrivals?: Arrivals
  /** Listens for secure WebSocket, and is given the certificate of ws.autoTls. */
  tls?: SharedTls & { use(source: 'auto-tls', pem: Pem | undefined): void }
  /** What it says of new work. */
  budget?: BudgetGate
  /** Sentences a person should read: a transport that could not be opened, no IPv6. */
  warn(sentence: string): void
}

export interface RelayNodeOptions {
  settings: Settings
  version: string
  /** Where certificates are kept: without it ws.autoTls gets none, and WebRTC-direct has another one at each start. */
  dataDir?: string
  /** Transports the person asked for by flag: one that cannot be opened stops the start. */
  askedFor?: ReadonlySet<string>
  /** The environment variable DEBUG, for libp2p's own log. */
  debug?: string
}

/** A libp2p node that relays and serves the DHT. A stopped one stays stopped: to restart, make a new one. */
export class RelayNode {
  readonly peerId: string
  readonly protocolVersion: string
  readonly agentVersion: string
  readonly #components: RelayNodeComponents
  readonly #options: RelayNodeOptions
  readonly #overload: Overload
  #settings: Settings
  #running: Running | undefined
  #failures: readonly WayFailure[] = []

  constructor(components: RelayNodeComponents, options: RelayNodeOptions) {
    this.#components = components
    this.#options = options
    this.#settings = options.settings
    this.#overload = new Overload(
      {
        timing: systemTiming,
        memoryBytes: () => process.memoryUsage.rss(),
        changed: now => components.bus.emit('overload-changed', { now })
      },
      overloadLimitsOf(options.settings)
    )
    this.peerId = peerIdFromPrivateKey(components.privateKey).toString()
    this.protocolVersion = options.settings['identity.protocolVersion']
    this.agentVersion = agentVersionOf(options.settings, options.version)
  }

  /** @throws AppError where a listener that was asked for, or every one, cannot be opened */
  async start(): Promise<void> {
    const failures: ListenFailure[] = []
    const wanted = [...listenAddresses(this.#settings), ...this.#secureAddresses(this.#settings)]
    const running = await this.#create(failures)
    this.#running = running
    try {
      await running.libp2p.start()
      // Not by the addresses: a machine without any network listens all the same, and gets its addresses later.
      const opened = wanted.length - failures.length
      this.#failures = failures.map(wayFailureOf)
      for (const sentence of judgeFailures(failures, opened, this.#options.askedFor ?? new Set())) {
        this.#components.warn(sentence)
      }
      if (wanted.length === 0) {
        const mend =
          'Set tcp.enabled, quic.enabled, ws.enabled or webrtcDirect.enabled, and listen.ip4 or listen.ip6.'
        throw new AppError('nothing-to-listen-on', `There is nothing to listen on. ${mend}`)
      }
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    const running = this.#running
    this.#running = undefined
    this.#overload.stop()
    running?.stopForgetting()
    await running?.libp2p.stop()
  }

  /** The relay service. @throws if the node was not started */
  get relay(): CircuitRelay {
    return this.#require().relay
  }

  /** Applies what can be applied while it runs. */
  applySettings(settings: Settings): void {
    this.#settings = settings
    const running = this.#running
    if (running === undefined) return
    running.relay.setLimits(limitsOf(settings))
    running.relay.setPeerRates(peerRatesOf(settings))
    running.libp2p.services.mapping.setEnabled(settings.upnp)
    running.networks.applySettings(settings)
    running.relay.setAccess(accessOf(settings))
    const open = running.libp2p.getConnections().length
    running.connectionManager.setMaxConnections(connectionsFor(settings, open).total)
    running.arrivals.setLimits(arrivalsOf(settings))
    this.#overload.setLimits(overloadLimitsOf(settings))
    running.bounds.setIdleSeconds(settings['ws.idleSeconds'])
  }

  /** Complete multiaddrs: where it listens, what it announces, and all that a client may try, public ones first. */
  get addresses(): { listening: string[]; announced: string[]; all: string[] } {
    const { addresses } = this.#require()
    return {
      listening: addresses.listening().map(String),
      announced: addresses.announced().map(String),
      all: addresses.all().map(String)
    }
  }

  /** Whether others reach each of its addresses, as far as it knows; changes are events (`address-changed`). */
  addressStates(): AddressInfo[] {
    return this.#require().reach.states()
  }

  /** The ways in that it was made with, and why some of them are not open. */
  get ways(): { wanted: Way[]; failures: readonly WayFailure[] } {
    return { wanted: waysOf(this.#options.settings), failures: this.#failures }
  }

  /** Has that peer dial all public addresses of this node. @throws AppError bad-request, peer-unreachable */
  async verifyVia(address: string): Promise<ViaInfo> {
    const { libp2p, reach } = this.#require()
    return reach.askAll(await dialChosen(libp2p, address))
  }

  /** What the router forwards. */
  get mapping(): MappingInfo {
    return this.#require().libp2p.services.mapping.info
  }

  /** Why new work is refused as `overloaded`; undefined: it is not, but perhaps by the budget. */
  get overload(): OverloadInfo | undefined {
    return this.#overload.info
  }

  /** The certificate of ws.autoTls; undefined where that is off. */
  get autoTls(): AutoTlsInfo | undefined {
    return this.#require().libp2p.services.autoTls?.info
  }

  /** Open connections by transport. */
  connectionsByTransport(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const { remoteAddr } of this.#running?.libp2p.getConnections() ?? []) {
      const transport = transportOf(remoteAddr)
      counts[transport] = (counts[transport] ?? 0) + 1
    }
    return counts
  }

  get connectedPeers(): number {
    return this.#running?.connectionManager.getConnectionsMap().size ?? 0
  }

  connectedPeerIds(): string[] {
    return this.#running?.peers.connected() ?? []
  }

  /** What runs in it now. @throws if the node was not started */
  get inspector(): Inspector {
    return this.#require().inspector
  }

  /** Servers known in all DHTs together. */
  get dhtSize(): number {
    return this.networks.reduce((sum, { dhtSize }) => sum + dhtSize, 0)
  }

  /** The networks it is in, or would be: its own first. */
  get networks(): NetworkNow[] {
    return this.#running?.networks.now() ?? []
  }

  #require(): Running {
    if (this.#running === undefined) throw new AppError('not-running', 'The node is not running.')
    return this.#running
  }

  async #create(failures: ListenFailure[]): Promise<Running> {
    const { privateKey, bus, traffic } = this.#components
    const settings = this.#settings
    let networks: Networks | undefined
    let relay: CircuitRelay | undefined
    let addresses: Addresses | undefined
    let connectionManager: ConnectionManager | undefined
    let reach: Reach | undefined
    let registrar: Registrar | undefined
    const streams = new DirectStreams({ protocols: () => registrar?.getProtocols() ?? [] })
    const pongs = new Pongs()
    streams.handle(PING_PROTOCOL, pongs.onStream)
    const { dataDir } = this.#options
    const { tls } = this.#components
    const isUsable = (address: Multiaddr): boolean =>
      tls === undefined || transportOf(address) !== 'wss' || tls.isNamed(hostOfAddress(address))
    let autoTls: AutoTlsService | undefined
    const arrivals =
      this.#components.arrivals ?? new Arrivals({ clock: () => performance.now() }, arrivalsOf(settings))
    const watch = new NetworkWatch()
    const bounds = new WsBounds(
      { ended: reason => bus.emit('websocket-ended', { reason }) },
      { maxMessageBytes: settings['ws.maxMessageBytes'], idleSeconds: settings['ws.idleSeconds'] }
    )
    const libp2p = await createLibp2p({
      start: false,
      privateKey: await fastSigning(privateKey),
      logger: libp2pLogger(this.#options.debug),
      nodeInfo: { name: 'waystation', version: this.#options.version, userAgent: this.agentVersion },
      ...(await protocols(settings, {
        arrivals,
        bounds,
        streams,
        traffic,
        dataDir,
        tls,
        warn: sentence => this.#components.warn(sentence),
        failed: (address, error) => failures.push({ address, error })
      })),
      ...this.#network(settings, announced => reach?.announce(announced) ?? announced),
      services: {
        identify: (components: IdentifyComponents) => {
          keepConnectionList(components.connectionManager, components.events)
          return new Identify(components, { protocolVersion: this.protocolVersion, streams })
        },
        connectionCheck: (components: CheckComponents) => new ConnectionCheck(components),
        ping: boundedPing(pongs),
        networkWatch: () => watch,
        mapping: portMapping({
          ...{ enabled: settings.upnp, watch },
          changed: info => bus.emit('mapping-changed', info)
        }),
        ...autoNatServers({ clock: () => performance.now() }),
        reach: (components: ReachComponents) =>
          (reach = new Reach(components, {
            announce: settings.announce,
            announceIp: settings.announceIp,
            announceHost: settings.announceHost,
            isUsable,
            tlsDomain: () => autoTls?.domain,
            watch,
            isClient: peer => relay?.reservations.get(peer.toString()) !== undefined,
            changed: info => bus.emit('address-changed', info)
          })),
        ...(settings['ws.autoTls'] &&
          dataDir !== undefined && {
            autoTls: (components: AutoTlsServiceComponents) =>
              (autoTls = new AutoTlsService(components, {
                ...{ settings, dataDir },
                use: pem => this.#components.tls?.use('auto-tls', pem),
                changed: info => bus.emit('auto-tls-changed', info)
              }))
          }),
        relay: (components: CircuitRelayComponents & AddressComponents) => {
          const known = (addresses = new Addresses(components, { isUsable }))
          connectionManager = components.connectionManager
          registrar = components.registrar
          components.events.addEventListener('connection:open', event => streams.connected(event.detail))
          relay = new CircuitRelay(components, {
            bus,
            streams,
            limits: limitsOf(settings),
            peerRates: peerRatesOf(settings),
            nextCircuitId: this.#components.nextCircuitId,
            access: accessOf(settings),
            budget: shedding(this.#overload, this.#components.budget),
            memberOf: (peer, ip) => networks?.memberOf(peer, ip) ?? { allowed: true },
            addressesFor: connection => known.forReservation(connection)
          })
          return relay
        },
        networks: (components: NetworksComponents) =>
          (networks = new Networks(components, {
            settings,
            known: (peer, network) => bus.emit('network-known', { peer, network }),
            shutOut: peer => relay?.recheckAccess(peer),
            dht: {
              policy: () => this.#settings['dht.clientAddresses'],
              hasReservation: peer => relay?.reservations.get(peer.toString()) !== undefined,
              ownAddresses: () => addresses?.all() ?? []
            }
          })),
        ...(settings['dht.enabled'] && { dht: (): SingleKadDHT => required(networks).ownDht() })
      }
    })
    const stored = new LeanPeerStore(libp2p.peerStore, libp2p.peerId)
    const stopForgetting = forgetPeersThatLeft(
      libp2p,
      peer => stored.mayHave(peer),
      peer => required(networks).needs(peer)
    )
    const made = required(relay)
    const peers = new PeerEvents({ libp2p, bus, isOwn: peer => made.isTrying(peer) })
    if (traffic !== undefined) tellSegments(libp2p, traffic)
    const inspector = new Inspector({ libp2p, relay: made, peerRates: () => made.peerRates })
    return {
      libp2p,
      peers,
      arrivals,
      bounds,
      connectionManager: required(connectionManager),
      relay: made,
      addresses: required(addresses),
      reach: required(reach),
      inspector,
      networks: required(networks),
      stopForgetting
    }
  }

  /**
   * A node on the public Internet dials no private address that a stranger told it: that would let strangers
   * reach into the network it stands in. Bootstrap peers may be anywhere.
   */
  #isNotToDial(address: Multiaddr): boolean {
    const ip = ipOfAddress(address)
    if (ip === undefined || isPublicIp(ip)) return false
    const configured = bootstrapOf(this.#settings).some(peer => ipOfAddress(multiaddr(peer)) === ip)
    return !configured && (this.#running?.addresses.isPublic ?? false)
  }

  #secureAddresses(settings: Settings): Multiaddr[] {
    return this.#components.tls === undefined ? [] : secureAddresses(settings)
  }

  /** Where to listen, what to announce, how many connections to be ready for. */
  #network(
    settings: Settings,
    announceFilter: (candidates: Multiaddr[]) => Multiaddr[]
  ): Partial<Libp2pOptions> {
    const { total, perIpPerSecond } = connectionsFor(settings)
    const bootstrapPeers = settings['dht.bootstrap']
    return {
      addresses: {
        listen: [...listenAddresses(settings), ...this.#secureAddresses(settings)].map(String),
        announce: [...settings.announce],
        announceFilter
      },
      // What failed to open is judged after the start, with the settings in mind.
      transportManager: { faultTolerance: FaultTolerance.NO_FATAL },
      connectionManager: {
        maxConnections: total,
        maxIncomingPendingConnections: total,
        inboundConnectionThreshold: perIpPerSecond,
        inboundUpgradeTimeout: UPGRADE_TIMEOUT_MS
      },
      // The service connectionCheck stands in for it.
      connectionMonitor: { enabled: false },
      connectionGater: { denyDialMultiaddr: address => this.#isNotToDial(address) },
      ...(bootstrapPeers.length > 0 && { peerDiscovery: [bootstrap({ list: [...bootstrapPeers] })] })
    }
  }
}

interface Running {
  peers: PeerEvents
  arrivals: Arrivals
  bounds: WsBounds
  libp2p: Libp2p<{ mapping: PortMapping; autoTls?: AutoTlsService }>
  connectionManager: ConnectionManager
  relay: CircuitRelay
  addresses: Addresses
  reach: Reach
  inspector: Inspector
  networks: Networks
  stopForgetting: () => void
}

function required<T>(service: T | undefined): T {
  if (service === undefined) throw new Error('libp2p made not all services')
  return service
}

/** The agent version that identify sends. */
export function agentVersionOf(settings: Settings, version: string): string {
  return settings['identity.agentVersion'] || `waystation/${version}`
}

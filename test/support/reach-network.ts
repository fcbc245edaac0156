import type { AddressInfo, ViaInfo } from '../../app/shared/api.ts'
import type { Settings } from '../../app/shared/settings.ts'
import { TestNetwork, type Namespace } from './netns.ts'
import { moduleUrl, type NodeScript } from './node-script.ts'
import { until } from './until.ts'

/**
 * A node in a home behind a NAT router, and an Internet outside, all in namespaces: who is asked to dial back lives
 * in networks of their own, with addresses that count as public.
 */

export const LAN_IP = '192.168.77.2'
export const ROUTER_IP = '5.6.7.1'
/** Two of one network come last. */
export const OUTSIDE_IPS = ['23.1.0.10', '45.2.0.10', '62.3.0.10', '77.4.0.10', '23.1.0.11', '45.2.0.11']
export const CLIENT_IP = '91.5.0.10'

/** What an AutoNAT server out there is: stock js-libp2p's, or the servers of this node. */
export type ServerKind = 'stock v1' | 'stock v2' | 'stock v1 and v2' | 'our v1' | 'ours'

export interface Snapshot {
  states: AddressInfo[]
  announced: string[]
  peers: number
}

export class ReachNetwork {
  readonly home: Namespace
  readonly router: Namespace
  readonly outside: Namespace
  readonly clients: Namespace
  readonly #network: TestNetwork

  private constructor(network: TestNetwork, places: Namespace[]) {
    const [home, router, outside, clients] = places as [Namespace, Namespace, Namespace, Namespace]
    this.#network = network
    this.home = home
    this.router = router
    this.outside = outside
    this.clients = clients
  }

  static async create(): Promise<ReachNetwork> {
    const network = await TestNetwork.create()
    const places = await Promise.all(
      ['home', 'router', 'outside', 'clients'].map(label => network.namespace(label))
    )
    const made = new ReachNetwork(network, places)
    const { home, router, outside, clients } = made
    await network.cable(
      { in: home, interface: 'lan', addresses: [`${LAN_IP}/24`] },
      { in: router, interface: 'lan', addresses: ['192.168.77.1/24'] }
    )
    // The Internet is one bridge, on which everyone finds everyone.
    const wan = { in: outside, interface: 'to-router', bridge: 'net' }
    await network.cable({ in: router, interface: 'wan', addresses: [`${ROUTER_IP}/32`] }, wan)
    await network.cable(
      { in: clients, interface: 'wan', addresses: [`${CLIENT_IP}/32`] },
      { in: outside, interface: 'to-clients', bridge: 'net', addresses: OUTSIDE_IPS.map(ip => `${ip}/32`) }
    )
    await home.route('default', '192.168.77.1')
    await router.ip('route', 'add', 'default', 'dev', 'wan')
    await clients.ip('route', 'add', 'default', 'dev', 'wan')
    await outside.ip('route', 'add', 'default', 'dev', 'net')
    await router.masquerade('wan')
    // A router lets nobody in uninvited; what is forwarded to the home is (and answers are).
    await router.nft(
      'table ip guard { chain pass { type filter hook forward priority 0; policy drop; iifname "lan" accept; ct state established,related accept; ct status dnat accept; }; }'
    )
    return made
  }

  /** A port of the router that leads into the home. */
  async forwardPort(protocol: 'tcp' | 'udp', outer: number, inner = outer): Promise<void> {
    await this.router.nft(
      'table ip portforward { chain pre { type nat hook prerouting priority dstnat; }; }; ' +
        `add rule ip portforward pre iifname "wan" ${protocol} dport ${outer} dnat to ${LAN_IP}:${inner}`
    )
  }

  /** AutoNAT servers out there, one at each address. Their addresses, over TCP. */
  async servers(kinds: readonly ServerKind[]): Promise<string[]> {
    const script = this.outside.script(`
      import { startServer } from ${moduleUrl('test/support/autonat-child.ts')}
      const kinds = ${JSON.stringify(kinds)}, ips = ${JSON.stringify(OUTSIDE_IPS)}
      console.log(JSON.stringify(await Promise.all(kinds.map((kind, i) => startServer(kind, ips[i])))))
    `)
    return JSON.parse(await script.line()) as string[]
  }

  /** The node, at home unless told otherwise: it listens on the ports 4001 and 4002 of every interface. */
  async node(settings: Partial<Settings>, { at = this.home } = {}): Promise<HomeNode> {
    const script = at.script(`
      import { startRelay } from ${moduleUrl('test/support/relay.ts')}
      const relay = await startRelay(${JSON.stringify({
        ...{ 'listen.ip4': ['0.0.0.0'], 'tcp.port': 4001, 'quic.port': 4001, 'ws.port': 4002 },
        ...settings
      })})
      const { node } = relay
      console.log(node.peerId)
      process.stdin.on('data', () => console.log(JSON.stringify({
        states: node.addressStates(), announced: node.addresses.announced, peers: node.connectedPeers
      })))
    `)
    return new HomeNode(script, await script.line())
  }

  /** What a peer out there says when a node at home has it dial the addresses that the settings give. */
  async via(server: string): Promise<ViaInfo> {
    const script = this.home.script(`
      import { startRelay } from ${moduleUrl('test/support/relay.ts')}
      const relay = await startRelay({
        'listen.ip4': ['0.0.0.0'], 'tcp.port': 4001, 'quic.port': 4001, 'ws.enabled': false,
        announceIp: [${JSON.stringify(ROUTER_IP)}], upnp: false, 'dht.bootstrap': []
      })
      console.log(JSON.stringify(await relay.node.verifyVia(${JSON.stringify(server)})))
    `)
    const info = JSON.parse(await script.line()) as ViaInfo
    await script.kill()
    return info
  }

  /**
   * A client out there that reserves at that address, and another that sends a MiB through it and back: what the
   * reservation carries, which addresses the relay tells by identify, and whether it was the same.
   */
  async relayThrough(address: string): Promise<{ reserved: string[]; told: string[]; same: boolean }> {
    const clients = moduleUrl('test/support/clients.ts')
    return this.#run(`
      import { createListener, createPlainClient, dialThrough, exchange } from ${clients}
      const address = ${JSON.stringify(address)}
      const listener = await createListener(address)
      const dialer = await createPlainClient()
      const same = await exchange(await dialThrough(dialer, address, listener), 1024 * 1024)
      const [relay] = listener.getPeers()
      const { listenAddrs } = await listener.services.identify.identify(listener.getConnections(relay)[0])
      const reserved = listener.getMultiaddrs().map(String)
      console.log(JSON.stringify({ reserved, told: listenAddrs.map(String), same }))
    `)
  }

  /** One request to a v2 server, from out there: its answer to each of the addresses. */
  async askV2(
    server: string,
    addresses: readonly string[]
  ): Promise<{ status: number; dialStatus: number }[]> {
    return this.#run(`
      import { createPlainClient } from ${moduleUrl('test/support/clients.ts')}
      import { lpStream } from ${JSON.stringify(import.meta.resolve('@libp2p/utils'))}
      import { V2Message } from ${moduleUrl('app/main/relay/reach/messages.ts')}
      import { V2_PROTOCOL } from ${moduleUrl('app/main/relay/reach/autonat.ts')}
      import { multiaddr } from ${JSON.stringify(import.meta.resolve('@multiformats/multiaddr'))}
      const client = await createPlainClient()
      const frames = lpStream(await client.dialProtocol(multiaddr(${JSON.stringify(server)}), V2_PROTOCOL))
      const addrs = ${JSON.stringify(addresses)}.map(text => multiaddr(text).bytes)
      await frames.write(V2Message.encode({ dialRequest: { addrs, nonce: 1n } }))
      const answers = []
      for (const _ of addrs) answers.push(V2Message.decode(await frames.read()).dialResponse)
      console.log(JSON.stringify(answers))
    `)
  }

  async #run<T>(source: string): Promise<T> {
    const script = this.clients.script(source)
    const result = JSON.parse(await script.line()) as T
    await script.kill()
    return result
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#network[Symbol.asyncDispose]()
  }
}

export class HomeNode {
  readonly peerId: string
  readonly #script: NodeScript

  constructor(script: NodeScript, peerId: string) {
    this.#script = script
    this.peerId = peerId
  }

  async stop(): Promise<void> {
    await this.#script.kill()
  }

  async snapshot(): Promise<Snapshot> {
    this.#script.tell()
    return JSON.parse(await this.#script.line()) as Snapshot
  }

  /** What is known of the address, which is given without the node's id. */
  async stateOf(address: string): Promise<AddressInfo | undefined> {
    const { states } = await this.snapshot()
    return states.find(state => state.address === this.complete(address))
  }

  async becomes(address: string, state: AddressInfo['state']): Promise<AddressInfo> {
    let info: AddressInfo | undefined
    await until(
      `${address} is ${state}`,
      async () => {
        info = await this.stateOf(address)
        return info?.state === state
      },
      60
    )
    return info as AddressInfo
  }

  complete(address: string): string {
    return `${address}/p2p/${this.peerId}`
  }
}

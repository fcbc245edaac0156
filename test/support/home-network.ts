import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { IgdAction, IgdOptions } from './odd-igd.ts'
import { findProgram } from './needs.ts'
import { TestNetwork, type Namespace } from './netns.ts'
import { until } from './until.ts'

/**
 * A home as most are: machines in a private network, a router that lets nothing in, and the Internet outside. The
 * addresses outside are really public ones, because libp2p and we take those of documentation for private.
 */

export const HOME_IP = '192.168.77.2'
export const NEIGHBOUR_IP = '192.168.77.3'
export const ROUTER_IP = '192.168.77.1'
export const ROUTER_PUBLIC_IP = '5.6.7.1'
export const ROUTER_PRIVATE_IP = '10.99.0.1'
export const OUTSIDE_IP = '5.6.7.9'
export const HOME_IP6 = '2606:4700:77::2'
const ROUTER_IP6 = { lan: '2606:4700:77::1', linkLocal: 'fe80::1', wan: '2606:4700:66::1' }
const OUTSIDE_IP6 = '2606:4700:66::9'

export const NEEDS_MINIUPNPD = 'miniupnpd (Debian: miniupnpd-nftables)'
export const hasMiniupnpd = findProgram('miniupnpd') !== undefined

export interface HomeOptions {
  /** The router's outer address is itself private, as behind a second NAT. */
  doubleNat?: boolean
  /** Public IPv6 for the home, which the router's firewall closes. */
  ip6?: boolean
}

export interface DaemonOptions {
  /** It opens the firewall of IPv6. */
  ip6?: boolean
  upnp?: boolean
  natPmp?: boolean
  /** It says that it is version 1, as many routers do. */
  version1?: boolean
  /** miniupnpd's own: `deny 0-65535 0.0.0.0/0 0-65535`. */
  rules?: readonly string[]
  /** The port of its descriptions and actions; any free one unless given. */
  httpPort?: number
}

export class HomeNetwork {
  readonly home: Namespace
  readonly neighbour: Namespace
  readonly router: Namespace
  readonly outside: Namespace
  readonly #network: TestNetwork
  readonly #folder: string

  private constructor(network: TestNetwork, namespaces: Namespace[], folder: string) {
    const [home, neighbour, router, outside] = namespaces
    if (home === undefined || neighbour === undefined || router === undefined || outside === undefined)
      throw new Error('four namespaces are needed')
    this.home = home
    this.neighbour = neighbour
    this.router = router
    this.outside = outside
    this.#network = network
    this.#folder = folder
  }

  static async create({ doubleNat = false, ip6 = false }: HomeOptions = {}): Promise<HomeNetwork> {
    const network = await TestNetwork.create()
    const folder = await mkdtemp(path.join(tmpdir(), 'waystation-home-'))
    try {
      const labels = ['home', 'neighbour', 'router', 'outside']
      const namespaces = await Promise.all(labels.map(label => network.namespace(label)))
      const all = new HomeNetwork(network, namespaces, folder)
      await all.#build(doubleNat ? ROUTER_PRIVATE_IP : ROUTER_PUBLIC_IP)
      if (ip6) await all.#addIp6()
      return all
    } catch (error) {
      await network[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
      throw error
    }
  }

  async #build(routerOutsideIp: string): Promise<void> {
    const { home, neighbour, router, outside } = this
    const outsideIp = routerOutsideIp === ROUTER_PUBLIC_IP ? OUTSIDE_IP : '10.99.0.9'
    const inner = [`${ROUTER_IP}/24`]
    await this.#network.cable(
      { in: home, interface: 'eth0', addresses: [`${HOME_IP}/24`] },
      { in: router, interface: 'port1', bridge: 'lan0', addresses: inner }
    )
    await this.#network.cable(
      { in: neighbour, interface: 'eth0', addresses: [`${NEIGHBOUR_IP}/24`] },
      { in: router, interface: 'port2', bridge: 'lan0' }
    )
    await this.#network.cable(
      { in: router, interface: 'wan0', addresses: [`${routerOutsideIp}/24`] },
      { in: outside, interface: 'eth0', addresses: [`${outsideIp}/24`] }
    )
    for (const machine of [home, neighbour]) await machine.route('default', ROUTER_IP)
    await router.route('default', outsideIp)
    await router.forward()
    await router.nft(ROUTER_RULES)
  }

  async #addIp6(): Promise<void> {
    const { home, router, outside } = this
    const give = (to: Namespace, at: string, ip: string): Promise<string> =>
      to.ip('address', 'add', `${ip}/64`, 'dev', at, 'nodad')
    await give(home, 'eth0', HOME_IP6)
    await give(router, 'lan0', ROUTER_IP6.lan)
    await give(router, 'lan0', ROUTER_IP6.linkLocal)
    await give(router, 'wan0', ROUTER_IP6.wan)
    await give(outside, 'eth0', OUTSIDE_IP6)
    // As routers tell it: by their link-local address.
    await home.ip('-6', 'route', 'replace', 'default', 'via', ROUTER_IP6.linkLocal, 'dev', 'eth0')
    await outside.ip('-6', 'route', 'replace', 'default', 'via', ROUTER_IP6.wan)
  }

  /** Straight from the neighbour to the home, past the router: the home's address there. */
  async secondCable(): Promise<string> {
    await this.#network.cable(
      { in: this.home, interface: 'eth1', addresses: ['192.168.88.2/24'] },
      { in: this.neighbour, interface: 'eth1', addresses: ['192.168.88.3/24'] }
    )
    return '192.168.88.2'
  }

  /** Starts miniupnpd in the router; it has forgotten all that an earlier one forwarded. */
  async startDaemon({
    upnp = true,
    natPmp = false,
    version1 = false,
    ip6 = false,
    rules = [],
    httpPort = 0
  }: DaemonOptions = {}): Promise<void> {
    for (const chain of ['miniupnpd', 'prerouting_miniupnpd', 'postrouting_miniupnpd'])
      await this.router.nft(`flush chain inet filter ${chain}`)
    const file = path.join(this.#folder, 'miniupnpd.conf')
    const lines = [
      'ext_ifname=wan0',
      'listening_ip=lan0',
      `http_port=${httpPort}`,
      `ipv6_disable=${ip6 ? 'no' : 'yes'}`,
      `enable_upnp=${upnp ? 'yes' : 'no'}`,
      `enable_natpmp=${natPmp ? 'yes' : 'no'}`,
      `force_igd_desc_v1=${version1 ? 'yes' : 'no'}`,
      'secure_mode=yes',
      'min_lifetime=120',
      'max_lifetime=86400',
      'system_uptime=no',
      'uuid=e33b8d88-2e84-4731-89a7-f3162395545f',
      ...rules,
      'allow 1-65535 0.0.0.0/0 1-65535'
    ]
    await writeFile(file, lines.join('\n') + '\n')
    // Not in the foreground: it would write a line for each of 65,536 ports that a rule denies, and answer after them.
    await rm(this.#pidFile, { force: true })
    await this.router.run('miniupnpd', '-f', file, '-P', this.#pidFile)
    const isUp = upnp ? /:1900 / : /:5351 /
    await until('miniupnpd listens', async () => isUp.test(await this.#udpListeners()))
  }

  /** The power goes: it says goodbye to nobody. */
  async killDaemon(): Promise<void> {
    process.kill(Number(await readFile(this.#pidFile, 'utf8')), 'SIGKILL')
    await until('miniupnpd is gone', async () => !/:(1900|5351) /.test(await this.#udpListeners()))
  }

  get #pidFile(): string {
    return path.join(this.#folder, 'miniupnpd.pid')
  }

  #udpListeners(): Promise<string> {
    return this.router.run('ss', '-Hlun')
  }

  /** Starts the router of odd-igd.ts instead: the actions it gets. */
  async startOddRouter(options: Omit<IgdOptions, 'address'>): Promise<IgdAction[]> {
    const script = path.join(import.meta.dirname, 'igd-child.ts')
    const args = ['--no-warnings', script, JSON.stringify({ ...options, address: ROUTER_IP })]
    const child = this.router.spawn(process.execPath, args, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc']
    })
    const actions: IgdAction[] = []
    let ready = false
    child.on('message', (message: IgdAction | { ready: true }) => {
      if ('ready' in message) ready = true
      else actions.push(message)
    })
    await until('the odd router listens', () => ready || child.exitCode !== null)
    if (!ready) throw new Error('the odd router ended')
    return actions
  }

  /** What the router forwards: `tcp 4001 -> 192.168.77.2:4001`. */
  async forwarded(): Promise<string[]> {
    const rules = await this.router.nft('list chain inet filter prerouting_miniupnpd')
    // The protocol stands there by its number, as miniupnpd writes its rules.
    const pattern = /@nh,72,8 (0x\w+) th dport (\d+) dnat ip to ([\d.]+:\d+)/g
    return [...rules.matchAll(pattern)]
      .map(([, protocol, port, to]) => `${protocol === '0x11' ? 'udp' : 'tcp'} ${port} -> ${to}`)
      .sort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#network[Symbol.asyncDispose]()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** Lets out what comes from inside, and in only what belongs to it or is forwarded. */
const ROUTER_RULES = `table inet filter {
  chain miniupnpd { }
  chain prerouting_miniupnpd { }
  chain postrouting_miniupnpd { }
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "lan0" accept
    jump miniupnpd
  }
  chain prerouting { type nat hook prerouting priority -100; jump prerouting_miniupnpd; }
  chain postrouting {
    type nat hook postrouting priority 100;
    jump postrouting_miniupnpd
    oifname "wan0" meta nfproto ipv4 masquerade
  }
}`

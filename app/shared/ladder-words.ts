import type { FirewallName, LadderDetails } from './api/ladder.ts'

/**
 * What each code of the ladder means and what to do about it, in English; the pages have them in other languages under the
 * same codes. The sentences of the router and of a port that cannot be opened come from where they are known.
 */

export interface Words {
  cause: string
  mend?: string
}

type Write = (details: LadderDetails) => Words

const NAMES: Record<FirewallName, string> = {
  ufw: 'ufw',
  firewalld: 'firewalld',
  nftables: 'nftables',
  windows: 'Windows Defender Firewall',
  macos: 'the macOS firewall'
}

/** As people know it. */
export function firewallName(name: string): string {
  return Object.hasOwn(NAMES, name) ? NAMES[name as FirewallName] : name
}

/** The command that lets a port in, or undefined where it takes a window; `port` is `4001/tcp`. */
export function firewallCommand(name: string, port: string): string | undefined {
  const [number, protocol] = port.split('/')
  switch (name) {
    case 'ufw':
      return `sudo ufw allow ${port}`
    case 'firewalld':
      return `sudo firewall-cmd --permanent --add-port=${port} && sudo firewall-cmd --reload`
    case 'nftables':
      return `sudo nft add rule inet filter input ${protocol} dport ${number} accept`
    case 'windows':
      return `netsh advfirewall firewall add rule name=Waystation dir=in action=allow protocol=${protocol?.toUpperCase()} localport=${number}`
    default:
      return undefined
  }
}

function letIn({ firewall = '', port = '' }: LadderDetails): string {
  const command = firewallCommand(String(firewall), String(port))
  if (command === undefined) {
    return 'Allow Waystation in System Settings > Network > Firewall > Options.'
  }
  return firewall === 'windows'
    ? `Allow Waystation in Windows Security > Firewall > Allow an app, or run as administrator: ${command}`
    : `Let it in: ${command}`
}

const said = ({ said: what = '' }: LadderDetails): string => String(what)
const BY_HAND = 'forward the port in the router by hand and set announceIp'

export const LADDER_WORDS = {
  // listening
  listening: ({ port }) => ({ cause: `Open on this machine, port ${port}.` }),
  'cannot-open': details => ({ cause: said(details) }),
  'no-family': () => ({ cause: 'This machine has no IPv6.' }),
  'not-listening': () => ({
    cause: 'Nothing is open, although the settings ask for it.',
    mend: 'Restart the node; if it stays so, its log says why.'
  }),
  'no-certificate': () => ({
    cause: 'It opens as soon as there is a certificate.',
    mend: 'Set tls.cert and tls.key, or ws.autoTls, which gets one once an address is verified.'
  }),
  'rung-below': () => ({ cause: 'This comes after the step before it.' }),
  // mapped
  'loopback-only': () => ({ cause: 'It listens on this machine alone, as the settings say.' }),
  'not-needed': () => ({ cause: 'This machine has a public address: no router needs to forward.' }),
  'given-by-hand': () => ({ cause: 'The settings say where it is reached; no router is asked.' }),
  'forwarded-by-hand': () => ({ cause: 'Peers reach it: somebody has a router forward it.' }),
  'no-public-ip6': () => ({
    cause: 'This machine has no public IPv6 address.',
    mend: 'If the provider offers IPv6, switch it on in the router.'
  }),
  'mapping-off': () => ({
    cause: 'No router is asked to forward ports.',
    mend: `Switch on the setting upnp, or ${BY_HAND}.`
  }),
  mapped: ({ port }) => ({ cause: `The router forwards port ${port}.` }),
  'mapped-elsewhere': ({ port, outer }) => ({
    cause: `The router forwards its port ${outer} to ${port}: its own ${port} belongs to another device.`
  }),
  pinhole: ({ port }) => ({ cause: `The router lets IPv6 in to port ${port}.` }),
  'pinhole-failed': details => ({ cause: said(details) }),
  'asking-router': () => ({ cause: 'The router is being asked.' }),
  'not-asked': () => ({ cause: 'The router was not asked for this port.' }),
  'two-routers': ({ router, outer, seen }) => ({
    cause: `There are two routers: this one (${router}) has itself only the private address ${outer}, given by another router in front of it${seen === undefined ? '' : ` (${seen} on the Internet)`}.`,
    mend: `Use ${router} as a bridge, or switch UPnP on in both and forward from the outer one to ${outer}.`
  }),
  'two-routers-hidden': ({ router }) => ({
    cause: `There are two routers: this one (${router}) has no public address and leads to the Internet all the same, through another router or the provider's NAT.`,
    mend: `Use ${router} as a bridge, or forward the ports in the outer router to it; of a provider's NAT, ask for a public address.`
  }),
  'carrier-nat': ({ router, outer }) => ({
    cause: `The router (${router}) shares its address with other customers: the provider gave it ${outer}, which nobody outside can reach.`,
    mend: 'Ask the provider for a public IPv4 address, or use IPv6.'
  }),
  'router-failed': details => ({ cause: said(details) }),
  'no-gateway-firewall': details => ({
    cause: `No router answered by UPnP or NAT-PMP. ${capital(firewallName(String(details['firewall'])))} is on here and may drop the answers (UDP from port 1900 and 5351).`,
    mend: `Let answers of the router in, and switch UPnP on in the router; or ${BY_HAND}.`
  }),
  // verified
  verified: details => ({ cause: said(details) || 'Peers outside have reached it.' }),
  given: () => ({
    cause: 'The settings give this address, and nobody has checked it.',
    mend: 'waystation doctor --via MULTIADDR has a peer of your choice dial it.'
  }),
  unreachable: details => ({ cause: said(details) }),
  firewall: details => ({
    cause: `Peers outside could not reach it. ${capital(firewallName(String(details['firewall'])))} is on here and may drop what comes to port ${details['port']}.`,
    mend: letIn(details)
  }),
  'nobody-tried': () => ({
    cause: 'No peer outside has tried to reach it yet.',
    mend: 'It is tried as soon as such peers are connected: join a network, or have one of your choice dial it: waystation doctor --via MULTIADDR.'
  }),
  'private-only': () => ({ cause: 'No public address is known: it is reached from this network alone.' }),
  // advertised
  advertised: ({ servers }) => ({ cause: `Announced, and known in the DHT to ${servers} servers.` }),
  'dht-off': () => ({
    cause: 'The DHT is switched off: peers learn of this node only from you.',
    mend: 'Switch on the setting dht.enabled, or hand out the address.'
  }),
  'not-announced': () => ({ cause: 'It is announced once it is verified or given.' }),
  'dht-nobody': () => ({
    cause: 'No peer of the joined networks answers, so nobody can learn of this node.',
    mend: "Look at the network's bootstrap peers, and whether this machine is online."
  }),
  'no-network': () => ({
    cause: 'No network is joined, so nobody learns of this node.',
    mend: 'Add the network of an app, or hand out the address.'
  }),
  // reservation and circuit
  reserved: ({ milliseconds }) => ({ cause: `A test client got a reservation (${milliseconds} ms).` }),
  'reserved-inside': ({ milliseconds }) => ({
    cause: `A test client got a reservation (${milliseconds} ms) where the node listens; the announced address does not answer from inside this network, as with many routers.`
  }),
  relayed: ({ milliseconds }) => ({ cause: `Two test clients met through the node (${milliseconds} ms).` }),
  resting: () => ({ cause: 'The node takes no new work now, so it is not tested.' }),
  'not-testable': () => ({
    cause: 'The node has no client for this transport, so it cannot test it itself.'
  }),
  'not-tested': () => ({ cause: 'Not tested yet.', mend: 'Run the self-test.' }),
  testing: () => ({ cause: 'It is being tested.' }),
  'test-failed': details => ({
    cause: `The self-test could not be made: ${said(details)}`,
    mend: 'Run it again; if it stays so, the log says more.'
  }),
  'dial-failed': details => ({
    cause: said(details),
    mend: 'Restart the node. If it stays so, a firewall of this machine may block connections to itself.'
  }),
  'other-peer': () => ({
    cause: 'Another peer answers at the announced address.',
    mend: 'Look at announce, announceIp and announceHost, and which machine the router forwards the port to.'
  }),
  'untrusted-certificate': details => ({
    cause: said(details),
    mend: 'Browsers would not connect either: look at tls.cert, or use ws.autoTls.'
  }),
  refused: details => ({ cause: said(details), mend: 'The log says why.' }),
  'no-answer': details => ({ cause: said(details), mend: 'Restart the node; the log may say more.' }),
  'wrong-echo': details => ({
    cause: said(details),
    mend: 'This is a fault of the program: please report it.'
  }),
  // the whole
  healthy: ({ count }) => ({ cause: `It works: ${count} ways lead in from outside.` }),
  'no-demand': () => ({
    cause: 'All is well, and nobody has asked for anything yet.',
    mend: 'Add the network of an app that needs relays, or hand out the address.'
  }),
  'no-demand-joined': () => ({
    cause: 'All is well, and nobody has asked for anything yet.',
    mend: 'Peers find the node by and by; add another network to be of use to more of them.'
  }),
  local: () => ({
    cause: 'It works in this network. Nobody outside can reach it, as the settings say.',
    mend: `To be reached from outside switch on the setting upnp, or ${BY_HAND}.`
  }),
  off: () => ({ cause: 'The node is switched off.', mend: 'Switch on the setting relay.enabled.' }),
  starting: () => ({ cause: 'The node is starting.' }),
  'takes-no-work': ({ mode }) => ({ cause: `The node takes no new work (${mode}).` }),
  fault: details => ({ cause: said(details) })
} satisfies Record<string, Write>

export type LadderCode = keyof typeof LADDER_WORDS

/** The sentences of a code. */
export function ladderWords(code: LadderCode, details: LadderDetails = {}): Words {
  return LADDER_WORDS[code](details)
}

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`

import { AppError } from './errors.ts'

/** A network of peers that a node serves, as the setting `networks` keeps it. */
export interface NetworkSetting {
  name: string
  /** The protocol of its DHT: `/chat/kad/1.0.0`. */
  dht: string
  /** Multiaddrs that end in /p2p/PEER. */
  bootstrap: string[]
  /** Rendezvous namespaces under which the DHT is told of this node; none: it is found by its place in the DHT alone. */
  namespaces: string[]
  /** Peer ids, IP addresses and CIDR blocks: of those who speak its DHT, only these may use the relay. */
  allow?: string[]
  /** Its circuits together get at most this part of relay.rate.totalBytesPerSecond, in each direction. */
  sharePercent?: number
}

/** What a link or a file can say: who is let in, and how much, the node decides. */
export type Network = Pick<NetworkSetting, 'name' | 'dht' | 'bootstrap' | 'namespaces'>

/** Where js-libp2p and go-libp2p look for relays. */
export const RELAY_NAMESPACE = '/libp2p/relay'

/** The public DHT of IPFS, with the bootstrap peers that its own programs ship. */
export const IPFS_NETWORK: Network = {
  name: 'IPFS',
  dht: '/ipfs/kad/1.0.0',
  bootstrap: [
    '/dnsaddr/bootstrap.libp2p.io/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN',
    '/dnsaddr/bootstrap.libp2p.io/p2p/QmQCU2EcMqAqQPR2i9bChDtGNJchTbq5TbXJJ16u19uLTa',
    '/dnsaddr/bootstrap.libp2p.io/p2p/QmbLHAnMoJPWSCR5Zhtx6BHJX9KiKNN6tpvbUcqanj75Nb',
    '/dnsaddr/bootstrap.libp2p.io/p2p/QmcZf59bWwK5XFi76CZX8cbJ4BhTzzA3gU1ZjYZcYW3dwt'
  ],
  namespaces: [RELAY_NAMESPACE]
}

const SCHEME = 'waystation:'
const MOST_BOOTSTRAP = 64
const MOST_NAMESPACES = 16
/** Characters of a wrong address. */
const MOST_SHOWN = 160
export const NETWORK_PROTOCOL = /^\/[\x21-\x7e]{1,120}$/
// Visible ASCII alone: what a person is shown must be what it is.
export const NETWORK_PEER = /^\/(ip4|ip6|dns|dns4|dns6|dnsaddr)(\/[\x21-\x2e\x30-\x7e]+)+\/p2p\/[1-9A-Za-z]+$/
const NAMESPACE = /^[\x21-\x7e]{1,200}$/

/** 1 to 80 visible characters. One with a slash at its front would look like a protocol, and "other" is who is in no network. */
export function isNetworkName(name: string): boolean {
  return /^(?!\/)[^\p{C}]{1,80}$/u.test(name) && name.toLowerCase() !== 'other' && name.trim() === name
}

/**
 * Reads a network from a link (`waystation://join?name=Chat&dht=/chat/kad/1.0.0&bootstrap=/dns4/…/p2p/…`, with one
 * `bootstrap` and one `namespace` each) or from the text of a file: `{"name": "Chat", "dht": "/chat/kad/1.0.0",
 * "bootstrap": ["/dns4/…"], "namespaces": ["/libp2p/relay"]}`.
 * @throws AppError bad-request, with what is wrong
 */
export function parseNetwork(text: string): Network {
  const trimmed = text.trim()
  return trimmed.startsWith('{') ? fromFile(trimmed) : fromLink(trimmed)
}

/** The link that others join a network by. */
export function networkLink({ name, dht, bootstrap, namespaces }: Network): string {
  const query = new URLSearchParams({ name, dht })
  for (const address of bootstrap) query.append('bootstrap', address)
  if (namespaces.join(' ') !== RELAY_NAMESPACE) {
    // An empty one says that there are none, which leaving it out would not.
    for (const namespace of namespaces.length === 0 ? [''] : namespaces) query.append('namespace', namespace)
  }
  // Slashes need no escape in a query, and addresses are read by people.
  return `${SCHEME}//join?${query.toString().replaceAll('%2F', '/')}`
}

function fromLink(text: string): Network {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw problem(
      'neither',
      'This is neither a link that begins with waystation://join? nor the text of a network file.'
    )
  }
  if (url.protocol !== SCHEME || url.host !== 'join') {
    throw problem('scheme', 'A link to a network begins with waystation://join?')
  }
  const { searchParams: given } = url
  const namespaces = given.getAll('namespace')
  return checked({
    name: given.get('name'),
    dht: given.get('dht'),
    bootstrap: given.getAll('bootstrap'),
    namespaces: namespaces.length === 0 ? undefined : namespaces.filter(namespace => namespace !== '')
  })
}

type Unchecked = { [Part in keyof Network]?: unknown }

function fromFile(text: string): Network {
  let value: Unchecked
  try {
    value = JSON.parse(text) as typeof value
  } catch (error) {
    throw problem('json', `The network file is not JSON: ${(error as Error).message}.`)
  }
  return checked(value)
}

function checked({ name, dht, bootstrap, namespaces = [RELAY_NAMESPACE] }: Unchecked): Network {
  if (typeof name !== 'string' || !isNetworkName(name.trim())) {
    throw problem('name', 'The network needs a name of 1 to 80 characters ("name").')
  }
  if (typeof dht !== 'string' || !NETWORK_PROTOCOL.test(dht)) {
    throw problem(
      'dht',
      'The network needs its DHT protocol ("dht"), which begins with /, such as /chat/kad/1.0.0.'
    )
  }
  if (!Array.isArray(bootstrap) || bootstrap.length === 0 || bootstrap.length > MOST_BOOTSTRAP) {
    throw problem(
      'bootstrap',
      `The network needs 1 to ${MOST_BOOTSTRAP} peers to join it through ("bootstrap").`
    )
  }
  const isPeer = (address: unknown): boolean => typeof address === 'string' && NETWORK_PEER.test(address)
  const wrong = (bootstrap as unknown[]).findIndex(address => !isPeer(address))
  if (wrong !== -1) {
    const written = String(bootstrap[wrong]).slice(0, MOST_SHOWN)
    throw problem(
      'multiaddr',
      `This is no multiaddr of a peer: ${written}. It should look like /dns4/example.org/tcp/4001/p2p/12D3KooW…`,
      written
    )
  }
  const areNamespaces =
    Array.isArray(namespaces) &&
    namespaces.length <= MOST_NAMESPACES &&
    namespaces.every(namespace => typeof namespace === 'string' && NAMESPACE.test(namespace))
  if (!areNamespaces) {
    throw problem(
      'namespaces',
      `The rendezvous namespaces ("namespaces") are up to ${MOST_NAMESPACES} words without spaces, such as ${RELAY_NAMESPACE}.`
    )
  }
  return {
    name: name.trim(),
    dht,
    bootstrap: bootstrap as string[],
    namespaces: namespaces as string[]
  }
}

/** `part` is a stable word for what is wrong, and `wrong` what stands there. */
const problem = (part: string, message: string, wrong?: string): AppError =>
  new AppError('bad-request', message, { part: `network-${part}`, wrong })

import { AppError } from './errors.ts'

/** A network of peers that a node can help: where its DHT is entered, and by which protocol it speaks. */
export interface Network {
  name: string
  dhtProtocol: string
  /** Multiaddrs that end in /p2p/PEER. */
  bootstrap: string[]
}

/** The public DHT of IPFS, with the bootstrap peers that its own programs ship. */
export const IPFS_NETWORK: Network = {
  name: 'IPFS',
  dhtProtocol: '/ipfs/kad/1.0.0',
  bootstrap: [
    '/dnsaddr/bootstrap.libp2p.io/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN',
    '/dnsaddr/bootstrap.libp2p.io/p2p/QmQCU2EcMqAqQPR2i9bChDtGNJchTbq5TbXJJ16u19uLTa',
    '/dnsaddr/bootstrap.libp2p.io/p2p/QmbLHAnMoJPWSCR5Zhtx6BHJX9KiKNN6tpvbUcqanj75Nb',
    '/dnsaddr/bootstrap.libp2p.io/p2p/QmcZf59bWwK5XFi76CZX8cbJ4BhTzzA3gU1ZjYZcYW3dwt'
  ]
}

const SCHEME = 'waystation:'
const MOST_BOOTSTRAP = 64
/** Characters of a wrong address. */
const MOST_SHOWN = 160
const PROTOCOL = /^\/[\x21-\x7e]{1,120}$/
// Visible ASCII alone: what a person is shown must be what it is.
const BOOTSTRAP = /^\/(ip4|ip6|dns|dns4|dns6|dnsaddr)(\/[\x21-\x2e\x30-\x7e]+)+\/p2p\/[1-9A-Za-z]+$/

/**
 * Reads a network from a link (`waystation://join?name=Chat&dht=/chat/kad/1.0.0&bootstrap=/dns4/…/p2p/…`, with one
 * `bootstrap` each) or from the text of a file: `{"name": "Chat", "dht": "/chat/kad/1.0.0", "bootstrap": ["/dns4/…"]}`.
 * @throws AppError bad-request, with what is wrong
 */
export function parseNetwork(text: string): Network {
  const trimmed = text.trim()
  return trimmed.startsWith('{') ? fromFile(trimmed) : fromLink(trimmed)
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
  return checked(given.get('name'), given.get('dht'), given.getAll('bootstrap'))
}

function fromFile(text: string): Network {
  let value: { name?: unknown; dht?: unknown; bootstrap?: unknown }
  try {
    value = JSON.parse(text) as typeof value
  } catch (error) {
    throw problem('json', `The network file is not JSON: ${(error as Error).message}.`)
  }
  return checked(value.name, value.dht, value.bootstrap)
}

function checked(name: unknown, dhtProtocol: unknown, bootstrap: unknown): Network {
  if (typeof name !== 'string' || !/^[^\p{C}]{1,80}$/u.test(name.trim())) {
    throw problem('name', 'The network needs a name of 1 to 80 characters ("name").')
  }
  if (typeof dhtProtocol !== 'string' || !PROTOCOL.test(dhtProtocol)) {
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
  const isPeer = (address: unknown): boolean => typeof address === 'string' && BOOTSTRAP.test(address)
  const wrong = (bootstrap as unknown[]).findIndex(address => !isPeer(address))
  if (wrong !== -1) {
    const written = String(bootstrap[wrong]).slice(0, MOST_SHOWN)
    throw problem(
      'multiaddr',
      `This is no multiaddr of a peer: ${written}. It should look like /dns4/example.org/tcp/4001/p2p/12D3KooW…`,
      written
    )
  }
  return { name: name.trim(), dhtProtocol, bootstrap: bootstrap as string[] }
}

/** `part` is a stable word for what is wrong, and `wrong` what stands there. */
const problem = (part: string, message: string, wrong?: string): AppError =>
  new AppError('bad-request', message, { part: `network-${part}`, wrong })

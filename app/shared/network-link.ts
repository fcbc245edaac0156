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
const PROTOCOL = /^\/[\x21-\x7e]{1,120}$/
const BOOTSTRAP = /^\/(ip4|ip6|dns|dns4|dns6|dnsaddr)\/[^/]+(\/[^/]+)*\/p2p\/[^/]+$/

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
      'This is neither a link that begins with waystation://join? nor the text of a network file.'
    )
  }
  if (url.protocol !== SCHEME || url.host !== 'join') {
    throw problem('A link to a network begins with waystation://join?')
  }
  const { searchParams: given } = url
  return checked(given.get('name'), given.get('dht'), given.getAll('bootstrap'))
}

function fromFile(text: string): Network {
  let value: { name?: unknown; dht?: unknown; bootstrap?: unknown }
  try {
    value = JSON.parse(text) as typeof value
  } catch (error) {
    throw problem(`The network file is not JSON: ${(error as Error).message}.`)
  }
  return checked(value.name, value.dht, value.bootstrap)
}

function checked(name: unknown, dhtProtocol: unknown, bootstrap: unknown): Network {
  if (typeof name !== 'string' || !/^[^\p{C}]{1,80}$/u.test(name.trim())) {
    throw problem('The network needs a name of 1 to 80 characters ("name").')
  }
  if (typeof dhtProtocol !== 'string' || !PROTOCOL.test(dhtProtocol)) {
    throw problem('The network needs its DHT protocol ("dht"), which begins with /, such as /chat/kad/1.0.0.')
  }
  if (!Array.isArray(bootstrap) || bootstrap.length === 0 || bootstrap.length > MOST_BOOTSTRAP) {
    throw problem(`The network needs 1 to ${MOST_BOOTSTRAP} peers to join it through ("bootstrap").`)
  }
  const wrong = (bootstrap as unknown[]).map(String).find(address => !BOOTSTRAP.test(address))
  if (wrong !== undefined) {
    throw problem(
      `This is no multiaddr of a peer: ${wrong}. It should look like /dns4/example.org/tcp/4001/p2p/12D3KooW…`
    )
  }
  return { name: name.trim(), dhtProtocol, bootstrap: bootstrap as string[] }
}

const problem = (message: string): AppError => new AppError('bad-request', message)

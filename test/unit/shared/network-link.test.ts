import { expect, test } from 'vitest'
import { IPFS_NETWORK, networkLink, parseNetwork } from '../../../app/shared/network-link.ts'

const PEER = '/dns4/chat.example/tcp/4001/p2p/12D3KooWMPuvyBbe2soKKxWSMEjxE9Uma1svuDTrpcYya4DpU6Qs'
const file = (value: object): string => JSON.stringify({ name: 'Chat', dht: '/chat/kad/1.0.0', ...value })

test('a link and a file say the same network', () => {
  const query = new URLSearchParams({ name: 'Chat', dht: '/chat/kad/1.0.0', bootstrap: PEER })
  const network = { name: 'Chat', dht: '/chat/kad/1.0.0', bootstrap: [PEER], namespaces: ['/libp2p/relay'] }
  expect(parseNetwork(`waystation://join?${query.toString()}`)).toEqual(network)
  expect(parseNetwork(file({ bootstrap: [PEER] }))).toEqual(network)
})

test.each([[['/libp2p/relay']], [['/libp2p/relay', '/chat/relays']], [[]]])(
  'a link says the network that it was made of, advertised under %j',
  namespaces => {
    const network = { name: 'Chat & more', dht: '/chat/kad/1.0.0', bootstrap: [PEER, PEER], namespaces }
    expect(parseNetwork(networkLink(network))).toEqual(network)
    expect(networkLink(network)).toContain(`bootstrap=${PEER}`)
  }
)

test.each(IPFS_NETWORK.bootstrap)('takes %s', address => {
  expect(parseNetwork(file({ bootstrap: [address] })).bootstrap).toEqual([address])
})

test.each([
  ['text of another kind', 'hello', 'network-neither'],
  ['a link to a page', 'https://join/?name=Chat', 'network-scheme'],
  ['a file that is cut off', '{"name": "Chat"', 'network-json'],
  ['a name that turns the line around', file({ name: '\u202Etahc', bootstrap: [PEER] }), 'network-name'],
  ['a name that looks like a protocol', file({ name: '/chat', bootstrap: [PEER] }), 'network-name'],
  ['the name of those in no network', file({ name: 'Other', bootstrap: [PEER] }), 'network-name'],
  ['a namespace of two words', file({ bootstrap: [PEER], namespaces: ['a b'] }), 'network-namespaces'],
  ['no peers', file({ bootstrap: [] }), 'network-bootstrap'],
  ['a peer that is no text', file({ bootstrap: [[PEER]] }), 'network-multiaddr'],
  [
    'an address that turns the line around',
    file({ bootstrap: [`/dns4/\u202Ea${PEER}`] }),
    'network-multiaddr'
  ],
  ['an address of several lines', file({ bootstrap: [`/dns4/a\nb${PEER}`] }), 'network-multiaddr'],
  ['an address that names no peer', file({ bootstrap: ['/ip4/192.0.2.1/tcp/4001'] }), 'network-multiaddr']
])('refuses %s', (_, text, part) => {
  expect(() => parseNetwork(text)).toThrowError(
    expect.objectContaining({ code: 'bad-request', details: expect.objectContaining({ part }) as unknown })
  )
})

// Two clients that know nothing but your relay talk through it.
//
//   npm run relay          in one terminal
//   npm run try-it         in another   (npm run try-it -- http://HOST:4002, or a multiaddr of any relay)
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const PROTOCOL = '/try-it/1.0.0'
const relay = multiaddr(await findRelay(process.argv[2] ?? 'http://127.0.0.1:4002'))
console.log(`relay     ${relay}`)

// Alice listens on the relay: it reserves a slot there, and its address goes through it.
const alice = await client({ addresses: { listen: [`${relay}/p2p-circuit`] } })
await alice.handle(PROTOCOL, answer, { runOnLimitedConnection: true })
const address = await ownAddress(alice)
console.log(`alice     ${address}`)

// Bob knows that address only.
const bob = await client()
const stream = await bob.dialProtocol(multiaddr(address), PROTOCOL, { runOnLimitedConnection: true })
const [connection] = bob.getConnections(alice.peerId)
console.log(`bob       connected, limits: ${describe(connection?.limits)}`)
stream.send(new TextEncoder().encode('Hello Alice, this is Bob, through the relay.'))
console.log(`bob heard ${await text(stream)}`)
await stream.close()
await Promise.all([bob.stop(), alice.stop()])
console.log('It works.')

function client(options = {}) {
  return createLibp2p({
    transports: [tcp(), webSockets(), circuitRelayTransport()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
    ...options
  })
}

/** The relay's multiaddr: as given, or the first of its identity page that these clients can dial. */
async function findRelay(given) {
  if (given.startsWith('/')) return given
  const page = new URL('/api/v1/identity', given)
  const answer = await fetch(page).catch(error => {
    console.error(
      `No relay answers at ${page} (${error.cause?.code ?? error.message}). Start one: npm run relay`
    )
    process.exit(1)
  })
  const { addresses } = await answer.json()
  const dialable = addresses.filter(address => address.includes('/tcp/') && !address.includes('/tls/'))
  return dialable.find(address => address.startsWith('/ip4/127.')) ?? dialable[0]
}

async function answer(stream) {
  const heard = await text(stream)
  console.log(`alice heard ${heard}`)
  stream.send(new TextEncoder().encode('Hello Bob, I hear you.'))
  await stream.close()
}

/** The first message of a stream, as text. */
async function text(stream) {
  for await (const data of stream) return new TextDecoder().decode(data.subarray())
  throw new Error('the stream closed without a message')
}

async function ownAddress(node) {
  for (let tries = 0; tries < 100; tries++) {
    const [own] = node.getMultiaddrs()
    if (own !== undefined) return own.toString()
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Error('the relay gave no reservation within 10 s: is it full? Its log says why.')
}

function describe(limits) {
  if (limits === undefined) return 'none'
  const { seconds, bytes } = limits
  return [seconds && `${seconds} s`, bytes && `${bytes} bytes`].filter(Boolean).join(', ')
}

import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'

/** A js-libp2p client in a page, driven by browser.test.ts through `window.peer`. */
const ECHO = '/echo/1.0.0'
let node: Libp2p

const peer = {
  /** Reserves on the relay; its address through it. */
  async listen(relay: string): Promise<string> {
    node = await create([`${relay}/p2p-circuit`])
    await node.handle(
      ECHO,
      async stream => {
        for await (const data of stream) stream.send(data)
        await stream.close()
      },
      { runOnLimitedConnection: true }
    )
    for (;;) {
      const [own] = node.getMultiaddrs()
      if (own !== undefined) return own.toString()
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  },

  /** Dials an address through the relay and says it: what comes back. */
  async say(address: string, words: string): Promise<string> {
    node = await create([])
    const stream = await node.dialProtocol(multiaddr(address), ECHO, { runOnLimitedConnection: true })
    stream.send(new TextEncoder().encode(words))
    for await (const data of stream) return new TextDecoder().decode(data.subarray())
    throw new Error('the stream closed without an answer')
  },

  async stop(): Promise<void> {
    await node.stop()
  }
}

function create(listen: string[]): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen },
    transports: [webSockets(), circuitRelayTransport()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // Browsers refuse private addresses unless told otherwise.
    connectionGater: { denyDialMultiaddr: () => false },
    services: { identify: identify() }
  })
}

export type PagePeer = typeof peer
Object.assign(globalThis, { peer })

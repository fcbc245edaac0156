import {
  transportSymbol,
  TypedEventEmitter,
  type Listener,
  type ListenerEvents,
  type Transport
} from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { expect, it } from 'vitest'

/** Why app/main/relay/webrtc tells of a closed listener one turn later (docs/adr/0004). */

class SoonClosed extends TypedEventEmitter<ListenerEvents> implements Listener {
  static closed = 0

  async listen(): Promise<void> {}
  getAddrs(): Multiaddr[] {
    return [multiaddr('/ip4/127.0.0.1/tcp/1')]
  }
  updateAnnounceAddrs(): void {}
  async close(): Promise<void> {
    SoonClosed.closed++
    this.safeDispatchEvent('close')
  }
}

it('libp2p forgets to close a listener where another says at once that it is closed', async () => {
  const listen = [1, 2, 3, 4].map(port => `/ip4/127.0.0.1/tcp/${port}`)
  const transport = {
    [transportSymbol]: true,
    [Symbol.toStringTag]: 'test',
    createListener: () => new SoonClosed(),
    listenFilter: (addresses: Multiaddr[]) => addresses,
    dialFilter: () => [],
    dial: () => Promise.reject(new Error('not here'))
  } as unknown as Transport
  const node = await createLibp2p({ addresses: { listen }, transports: [() => transport] })
  await node.stop()
  expect(SoonClosed.closed).toBeLessThan(listen.length)
})

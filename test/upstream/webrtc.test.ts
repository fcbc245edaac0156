import { once } from 'node:events'
import { createSocket } from 'node:dgram'
import { setTimeout as delay } from 'node:timers/promises'
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
import { loadNativeWebRtc } from '../../app/main/relay/webrtc/native.ts'

/** Why app/main/relay/webrtc keeps its UDP ports, and tells of a closed listener one turn later (docs/adr/0004). */

async function bind(port: number): Promise<number> {
  const socket = createSocket('udp4')
  socket.bind({ port, address: '127.0.0.1', exclusive: true })
  try {
    await once(socket, 'listening')
    return socket.address().port
  } finally {
    socket.close()
  }
}

it('libdatachannel leaves the UDP port open whose listener is stopped', async () => {
  const native = await loadNativeWebRtc()
  const port = await bind(0)
  expect(await bind(port)).toBe(port)
  const mux = new native.IceUdpMuxListener(port, '127.0.0.1')
  mux.onUnhandledStunRequest(() => {})
  ;(mux as unknown as { stop(): void }).stop()
  await delay(200)
  await expect(bind(port)).rejects.toMatchObject({ code: 'EADDRINUSE' })
})

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

import { identify } from '@libp2p/identify'
import { isStartable } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p } from 'libp2p'
import { expect, it } from 'vitest'
import { muxerOf } from '../../app/main/relay/direct-streams.ts'

/** What libp2p itself does otherwise than one would think. A failure says: look at the file named. */

async function node(services: Parameters<typeof createLibp2p>[0] = {}): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    ...services
  })
}

it('calls the handler once more for each stream there was, where middleware is used (splice.ts meters by itself)', async () => {
  const [dialer, listener] = await Promise.all([node(), node()])
  let calls = 0
  await listener.handle('/pin', async stream => {
    calls++
    await stream.close()
  })
  listener.use('/pin', (stream, connection, next) => next(stream, connection))
  const connection = await dialer.dial(listener.getMultiaddrs())
  const perStream: number[] = []
  for (let i = 0; i < 4; i++) {
    const before = calls
    const stream = await connection.newStream('/pin')
    await stream.close()
    await new Promise(resolve => setTimeout(resolve, 100))
    perStream.push(calls - before)
  }
  await Promise.all([dialer.stop(), listener.stop()])
  expect(perStream).toEqual([1, 2, 3, 4])
})

it('has no option for the protocol version that identify sends (identify/service.ts)', async () => {
  const options = { protocolVersion: '/pin/1.0.0' } as object
  const made = await node({ start: false, services: { identify: identify(options) } })
  const { host } = made.services['identify'] as { host: { protocolVersion: string } }
  expect(host.protocolVersion).toMatch(/^ipfs\//)
})

it('has a muxer in each connection, but does not show it (direct-streams.ts: muxerOf)', async () => {
  const [dialer, listener] = await Promise.all([node(), node()])
  const connection = await dialer.dial(listener.getMultiaddrs())
  expect(muxerOf(connection)?.protocol).toBe('/yamux/1.0.0')
  await Promise.all([dialer.stop(), listener.stop()])
})

it('notes the protocol of each stream in the peer store, by itself (lean-peer-store.ts: isNote)', async () => {
  const [dialer, listener] = await Promise.all([node(), node()])
  await listener.handle('/pin', stream => void stream.close())
  const notes: unknown[] = []
  const merge = dialer.peerStore.merge.bind(dialer.peerStore)
  dialer.peerStore.merge = async (peer, data, options) => {
    notes.push(data)
    return merge(peer, data, options)
  }
  const connection = await dialer.dial(listener.getMultiaddrs())
  notes.length = 0
  await (await connection.newStream('/pin')).close()
  expect(notes).toEqual([{ protocols: ['/pin'] }])
  await Promise.all([dialer.stop(), listener.stop()])
})

it('asks for all connections at every new one (connection-list.ts)', async () => {
  let asked = 0
  const counted = (components: { connectionManager: { getConnections: () => unknown } }): object => {
    const { connectionManager } = components
    const all = connectionManager.getConnections.bind(connectionManager)
    connectionManager.getConnections = (...peer: []) => {
      asked++
      return all(...peer)
    }
    return {}
  }
  const [dialer, listener] = await Promise.all([node(), node({ services: { counted: counted } })])
  const before = asked
  await dialer.dial(listener.getMultiaddrs())
  await new Promise(resolve => setTimeout(resolve, 100))
  expect(asked - before).toBeGreaterThan(0)
  await Promise.all([dialer.stop(), listener.stop()])
})

it('bounds an upgrade with a signal that can be had without its timer (fast/upgrade.ts: withoutTimer)', async () => {
  let signals = 0
  const counted = ({ upgrader }: { upgrader: object }): object => {
    const stock = upgrader as { createInboundAbortSignal: (signal: AbortSignal) => AbortSignal }
    const create = stock.createInboundAbortSignal.bind(upgrader)
    stock.createInboundAbortSignal = signal => {
      signals++
      return create(signal)
    }
    return {}
  }
  const [dialer, listener] = await Promise.all([node(), node({ services: { counted } })])
  await dialer.dial(listener.getMultiaddrs())
  expect(signals).toBe(1)
  await Promise.all([dialer.stop(), listener.stop()])
})

it('stops only what it can start (quic/transport.ts: start)', () => {
  expect(isStartable({ stop() {} })).toBe(false)
  expect(isStartable({ start() {}, stop() {} })).toBe(true)
})

import { identify } from '@libp2p/identify'
import { isStartable } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p } from 'libp2p'
import { expect, it } from 'vitest'

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

it('has no option for the protocol version that identify sends (node.ts: withProtocolVersion)', async () => {
  const options = { protocolVersion: '/pin/1.0.0' } as object
  const made = await node({ start: false, services: { identify: identify(options) } })
  const { host } = made.services['identify'] as { host: { protocolVersion: string } }
  expect(host.protocolVersion).toMatch(/^ipfs\//)
})

it('stops only what it can start (quic/transport.ts: start)', () => {
  expect(isStartable({ stop() {} })).toBe(false)
  expect(isStartable({ start() {}, stop() {} })).toBe(true)
})

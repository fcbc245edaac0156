import { once } from 'node:events'
import { createServer, connect, type AddressInfo } from 'node:net'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { expect, it } from 'vitest'
import { SocketDuct } from '../../app/main/relay/fast/socket-duct.ts'
import { secureTls, tlsIdentity } from '../../app/main/relay/fast/tls/secure.ts'
import {
  DATA,
  HEADER_BYTES,
  lengthAt,
  RST,
  SYN,
  typeAt,
  WINDOW_UPDATE,
  flagsAt
} from '../../app/main/relay/fast/yamux/frame.ts'
import {
  dataFrame,
  proposal,
  rawConnection,
  yamuxFrame,
  type RawConnection
} from '../support/raw-connection.ts'
import { RawPeer } from '../support/raw.ts'
import { RelayProcess } from '../support/relay-process.ts'
import { startRelay } from '../support/relay.ts'
import { sleep, until } from '../support/until.ts'

/** Peers that mean harm, frame by frame. */

const MiB = 1024 * 1024
const WINDOW_BYTES = 256 * 1024
const HOP = '/libp2p/circuit/relay/0.2.0/hop'
const PING = '/ipfs/ping/1.0.0'

/** Reads frames of one stream, and never opens a window. */
function listen({ duct }: RawConnection): { credit: number; bytes: number; isReset: boolean } {
  const heard = { credit: WINDOW_BYTES, bytes: 0, isReset: false }
  let waiting = Buffer.alloc(0)
  duct.reader = {
    onBytes(bytes) {
      waiting = Buffer.concat([waiting, bytes])
      while (waiting.byteLength >= HEADER_BYTES) {
        const type = typeAt(waiting, 0)
        const length = type === DATA ? lengthAt(waiting, 0) : 0
        if (waiting.byteLength < HEADER_BYTES + length) return
        if (type === DATA) heard.bytes += length
        if (type === WINDOW_UPDATE) heard.credit += lengthAt(waiting, 0)
        heard.isReset ||= (flagsAt(waiting, 0) & RST) !== 0
        waiting = waiting.subarray(HEADER_BYTES + length)
      }
    },
    onDrain() {},
    onEnd() {},
    onClose() {}
  }
  duct.resume()
  return heard
}

it('ends a TLS connection whose muxer cannot be agreed on', async () => {
  await using relay = await startRelay()
  const { tcp, duct } = await rawConnection(relay.address('tcp'), '/tls/1.0.0', [])
  const closed = once(tcp.socket, 'close', { signal: AbortSignal.timeout(5000) })
  duct.reader = { onBytes() {}, onDrain() {}, onEnd() {}, onClose() {} }
  duct.resume()
  duct.write(Buffer.from('\x05nonsense\n'))
  duct.flush()
  await closed
})

it('stops at once, though peers stall within the TLS handshake or keep their end', async () => {
  await using relay = await startRelay()
  const kept = await rawConnection(relay.address('tcp'), '/tls/1.0.0')
  const stalled = connect(Number(relay.address('tcp').split('/')[4]), '127.0.0.1').on('error', () => {})
  stalled.write(proposal('/tls/1.0.0'))
  await once(stalled, 'data')
  await until('it is connected', () => relay.node.connectedPeers === 1)
  const begun = performance.now()
  await relay.node.stop()
  expect(performance.now() - begun).toBeLessThan(8000)
  kept.duct.destroy()
  stalled.destroy()
})

it('holds no pages for a TLS peer that does not read', async () => {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const dialled = SocketDuct.connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
  const [accepted] = (await once(server, 'connection')) as [never]
  const identity = await tlsIdentity(await generateKeyPair('Ed25519'), [])
  const signal = AbortSignal.timeout(5000)
  const [peer, ours] = await Promise.all([
    secureTls(dialled, { role: 'initiator', identity, signal }),
    secureTls(SocketDuct.accept(accepted), { role: 'responder', identity, signal })
  ])
  while (!ours.duct.full) ours.duct.write(Buffer.alloc(64 * 1024))
  await sleep(50)
  const before = process.memoryUsage().arrayBuffers
  for (let i = 0; i < 1000; i++) {
    ours.duct.write(Buffer.alloc(12))
    ours.duct.flush()
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * MiB)
  ours.duct.destroy()
  peer.duct.destroy()
  server.close()
})

it('keeps nothing of what comes behind a request that it has refused', async () => {
  await using relay = await RelayProcess.start()
  const connection = await rawConnection(relay.address('tcp'), '/noise')
  const { duct } = connection
  listen(connection)
  const before = await relay.state()
  for (let stream = 1; stream < 300; stream += 2) {
    duct.write(yamuxFrame(WINDOW_UPDATE, SYN, stream, 0))
    duct.write(dataFrame(stream, Buffer.concat([proposal(HOP), Buffer.of(1, 0)])))
    duct.write(dataFrame(stream, Buffer.alloc(WINDOW_BYTES - 1024)))
    await until('there is room', () => !duct.full)
  }
  await sleep(300)
  expect((await relay.state()).arrayBuffers - before.arrayBuffers).toBeLessThan(8 * MiB)
  duct.destroy()
})

it('takes no more pings than a window from a peer that does not read the answers', async () => {
  await using relay = await startRelay()
  const connection = await rawConnection(relay.address('tcp'), '/noise')
  const { duct } = connection
  const heard = listen(connection)
  duct.write(yamuxFrame(WINDOW_UPDATE, SYN, 1, 0))
  const first = dataFrame(1, proposal(PING))
  duct.write(first)
  let sent = first.byteLength - HEADER_BYTES
  let quietSince = performance.now()
  while (performance.now() - quietSince < 300 && sent < 4 * MiB) {
    const bytes = Math.min(16 * 1024, heard.credit - sent)
    if (bytes > 0) {
      duct.write(dataFrame(1, Buffer.alloc(bytes)))
      sent += bytes
      quietSince = performance.now()
    }
    await sleep(1)
  }
  // What was answered, until our window was full, and what waits now.
  expect(sent).toBeLessThanOrEqual(2 * WINDOW_BYTES)
  expect(heard.bytes).toBeGreaterThan(WINDOW_BYTES / 2)
  expect(heard.isReset).toBe(false)
  duct.destroy()
})

it.each(['tcp', 'ws', 'quic'] as const)('answers pings on %s, and the end of them', async kind => {
  await using relay = await startRelay()
  await using peer = await RawPeer.create(relay.address(kind))
  const stream = await peer.connection.newStream(PING)
  const answers: Uint8Array[] = []
  stream.addEventListener('message', ({ data }) => answers.push(data.subarray()))
  for (let ping = 1; ping <= 3; ping++) {
    stream.send(Buffer.alloc(32, ping))
    await until('it is answered', () => Buffer.concat(answers).byteLength === ping * 32)
  }
  expect(Buffer.concat(answers)).toEqual(Buffer.concat([1, 2, 3].map(ping => Buffer.alloc(32, ping))))
  await stream.close()
  await until('it has ended too', () => stream.status === 'closed')
})

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, expect, it } from 'vitest'
import { Status } from '../../app/main/relay/circuit/pb/messages.ts'
import { TcpProxy } from '../support/proxy.ts'
import { openPair, RawPeer } from '../support/raw.ts'
import { RelayProcess } from '../support/relay-process.ts'
import { addressOf, startRelay, type TestRelay } from '../support/relay.ts'
import { sleep, until } from '../support/until.ts'

/** Clients of the WebSocket port that mean harm, or are gone: they are ended and counted, and cost others nothing. */

const MiB = 1024 * 1024
const UPGRADE =
  'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n'

const sockets: Socket[] = []
afterAll(() => sockets.splice(0).forEach(socket => socket.destroy()))

async function knock(address: string, greeting = ''): Promise<Socket> {
  const socket = connect(Number(address.split('/')[4]), '127.0.0.1').on('error', () => {})
  sockets.push(socket)
  await once(socket, 'connect')
  if (greeting !== '') socket.write(greeting, 'latin1')
  return socket
}

/** How many were ended so far, by why. */
function endsOf(relay: TestRelay): Record<string, number> {
  const ends: Record<string, number> = {}
  relay.bus.on('websocket-ended', ({ reason }) => (ends[reason] = (ends[reason] ?? 0) + 1))
  return ends
}

it.concurrent('one who opens many connections and never gets on leaves room for others', async () => {
  // So that 40 may be on their way, ten of them from one address.
  await using relay = await startRelay({ 'connections.total': 40, 'listen.ip6': ['::1'] })
  const ends = endsOf(relay)
  const slow: Socket[] = []
  for (let i = 0; i < 20; i++) slow.push(await knock(relay.address('ws'), 'GET / HTTP/1.1\r\nX: '))
  const dripping = setInterval(() => slow.forEach(socket => !socket.destroyed && socket.write('x')), 100)
  const isOpen = ({ destroyed }: Socket): boolean => !destroyed
  for (const socket of slow) socket.resume()
  await until('those beyond a quarter are gone', () => slow.filter(isOpen).length === 10)
  const onIp6 = relay.node.addresses.listening.filter(address => address.startsWith('/ip6/'))
  await using other = await RawPeer.create(addressOf(onIp6, 'ws'))
  expect((await other.reserve()).status).toBe(Status.OK)
  await until('the others had their time', () => !slow.some(isOpen), 15)
  clearInterval(dripping)
  expect(ends).toEqual({ 'handshake-timeout': 10 })
})

it.concurrent('an oversized message, garbage and other protocols end their connection alone', async () => {
  await using relay = await startRelay({ 'ws.maxMessageBytes': 65_536 })
  const ends = endsOf(relay)
  await using target = await RawPeer.reserved(relay.address('ws'))
  await using source = await RawPeer.create(relay.address('ws'))
  const [from, to] = await openPair(relay, source, target)
  const refused: [greeting: string, answer: string][] = [
    [`${UPGRADE}\x82\xff\x00\x00\x00\x00\x00\x01\x00\x01\0\0\0\0`, 'HTTP/1.1 101 …\x88\x02\x03\xf1'],
    [`${UPGRADE}\x82\x05hello`, 'HTTP/1.1 101 …\x88\x02\x03\xea'],
    [`${UPGRADE}\x81\x80\0\0\0\0`, 'HTTP/1.1 101 …\x88\x02\x03\xeb'],
    ['POST / HTTP/1.1\r\nHost: x\r\n\r\n', 'HTTP/1.1 405 …\n'],
    ['\x13/multistream/1.0.0\n', '…'],
    ['\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x01\x01\x01\x01\x02\x02\x02\x02\0\x01\0\x01', '…']
  ]
  for (const [greeting, answer] of refused) {
    const socket = await knock(relay.address('ws'), greeting)
    let text = ''
    socket.on('data', data => (text += data.toString('latin1')))
    await new Promise(resolve => socket.once('close', resolve))
    const [head = '', tail = ''] = answer.split('…')
    expect([text.slice(0, head.length), text.slice(text.length - tail.length)]).toEqual([head, tail])
  }
  expect(ends).toEqual({ 'too-big': 1, protocol: 2, 'bad-request': 3 })
  from.sendBytes(MiB)
  await to.receives(MiB)
})

it.concurrent('one who falls silent is ended, and its circuits with it; one who answers stays', async () => {
  await using relay = await startRelay({ 'ws.idleSeconds': 0.6 })
  const ends = endsOf(relay)
  await using proxy = await TcpProxy.to(relay.address('ws'))
  await using gone = await RawPeer.reserved(proxy.address(relay.address('ws')))
  await using target = await RawPeer.reserved(relay.address('ws'))
  await using source = await RawPeer.create(relay.address('ws'))
  const [lost] = await openPair(relay, source, gone)
  const [from, to] = await openPair(relay, source, target)
  const mute = (await knock(relay.address('ws'), UPGRADE)).resume()
  await sleep(1800)
  // An open socket on which nobody answers pings, and whose handshake would have lasted longer.
  expect([mute.closed, ends]).toEqual([true, { idle: 1 }])
  // All of these are silent, too, but for their pongs.
  expect(relay.node.connectedPeers).toBe(3)
  proxy.stall()
  const begun = performance.now()
  await lost.isOver()
  expect(performance.now() - begun).toBeLessThan(3000)
  await until('it is counted', () => ends['idle'] === 2)
  expect(relay.node.connectedPeers).toBe(2)
  from.send('hello')
  await to.receives(5)
  // From now on it takes long.
  relay.change({ 'ws.idleSeconds': 60 })
  const patient = (await knock(relay.address('ws'), UPGRADE)).resume()
  await sleep(1800)
  expect([patient.closed, ends]).toEqual([false, { idle: 2 }])
})

it.concurrent('one who sends pings and never reads has nothing kept for it', async () => {
  await using relay = await RelayProcess.start()
  const before = await relay.state()
  const socket = await knock(relay.address('ws'), UPGRADE)
  socket.pause()
  const ping = Buffer.concat([Buffer.from([0x89, 0xfd, 0, 0, 0, 0]), Buffer.alloc(125)])
  const pings = Buffer.concat(Array.from({ length: 1000 }, () => ping))
  let sent = 0
  while (sent < 16 * MiB && !socket.destroyed) {
    sent += pings.byteLength
    if (!socket.write(pings)) await Promise.race([once(socket, 'drain'), sleep(1000)])
  }
  const { arrayBuffers } = await relay.state()
  expect(arrayBuffers - before.arrayBuffers).toBeLessThan(4 * MiB)
  expect(socket.destroyed).toBe(false)
})

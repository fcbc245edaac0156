import { createHash, randomBytes } from 'node:crypto'
import { quic } from '@chainsafe/libp2p-quic'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify, identifyPush } from '@libp2p/identify'
import type { Connection, Stream, StreamMessageEvent } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { lpStream } from '@libp2p/utils'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p, type Libp2pOptions } from 'libp2p'
import { HopMessage, HopType } from '../../app/main/relay/circuit/pb/messages.ts'
import { until } from './until.ts'

const HOP = '/libp2p/circuit/relay/0.2.0/hop'
export const ECHO = '/echo/1.0.0'

export interface ClientOptions {
  encrypter?: 'noise' | 'tls'
  options?: Partial<Libp2pOptions>
}

export interface Client extends Libp2p {
  [Symbol.asyncDispose](): Promise<void>
}

/** A stock js-libp2p client, with the stock transports. It listens on relays that it is told to. */
export async function createClient({
  encrypter = 'noise',
  options = {}
}: ClientOptions = {}): Promise<Client> {
  const libp2p = await createLibp2p({
    addresses: { listen: ['/p2p-circuit'] },
    transports: [tcp(), webSockets(), quic(), circuitRelayTransport()],
    connectionEncrypters: [encrypter === 'tls' ? tls() : noise()],
    streamMuxers: [yamux()],
    // Loopback is all there is here.
    connectionGater: { denyDialMultiaddr: () => false },
    connectionMonitor: { enabled: false },
    services: { identify: identify(), identifyPush: identifyPush(), ping: ping() },
    ...options
  })
  return Object.assign(libp2p, { [Symbol.asyncDispose]: async () => libp2p.stop() })
}

/** A client without circuit listening: it reserves only when a test sends the message itself. */
export async function createPlainClient(options: ClientOptions = {}): Promise<Client> {
  return createClient({ ...options, options: { addresses: { listen: [] }, ...options.options } })
}

/** A client that holds a reservation on the relay and answers ECHO. */
export async function createListener(relayAddress: string, options: ClientOptions = {}): Promise<Client> {
  const client = await createClient(options)
  await client.handle(ECHO, echo, { runOnLimitedConnection: true, maxInboundStreams: 1000 })
  await client.dial(multiaddr(relayAddress))
  await until('the client has a reservation', () => client.getMultiaddrs().length > 0)
  return client
}

/** Sends back what comes, as fast as it is taken, and closes when the other side does. */
export function echo(stream: Stream): void {
  stream.addEventListener('message', event => {
    if (!stream.send(event.data)) {
      stream.pause()
      stream.addEventListener(
        'drain',
        () => queueMicrotask(() => stream.readStatus === 'paused' && stream.resume()),
        { once: true }
      )
    }
  })
  stream.addEventListener('end', () => void stream.close().catch(() => {}))
}

/** The address of a listener through the relay. */
export function circuitAddress(relayAddress: string, listener: Libp2p): string {
  return `${relayAddress}/p2p-circuit/p2p/${listener.peerId.toString()}`
}

/** Opens a stream through the relay. */
export async function dialThrough(
  client: Client,
  relayAddress: string,
  listener: Libp2p,
  protocol = ECHO
): Promise<Stream> {
  const address = multiaddr(circuitAddress(relayAddress, listener))
  return client.dialProtocol(address, protocol, { runOnLimitedConnection: true })
}

/** Sends `bytes` random bytes and reads as many back: whether they are the same. */
export async function exchange(stream: Stream, bytes: number): Promise<boolean> {
  const data = randomBytes(bytes)
  const hash = createHash('sha256')
  let received = 0
  const onMessage = (event: StreamMessageEvent): void => {
    received += event.data.byteLength
    hash.update(event.data.subarray())
  }
  stream.addEventListener('message', onMessage)
  await send(stream, data)
  await until(`${bytes} bytes come back`, () => received >= bytes || stream.status !== 'open', 60)
  stream.removeEventListener('message', onMessage)
  return received === bytes && hash.digest('hex') === createHash('sha256').update(data).digest('hex')
}

/** Sends with back-pressure, in chunks of 64 KiB. */
export async function send(stream: Stream, data: Uint8Array): Promise<void> {
  for (let at = 0; at < data.byteLength; at += 65_536) {
    if (!stream.send(data.subarray(at, at + 65_536))) await drained(stream)
  }
}

/** Resolves at the stream's next drain; rejects if it closes instead. */
export async function drained(stream: Stream): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stream.addEventListener('drain', () => resolve(), { once: true })
    stream.addEventListener('close', () => reject(new Error('the stream closed')), { once: true })
  })
}

/** One hop request, by hand: what the relay answers. */
export async function hopRequest(connection: Connection, message: HopMessage): Promise<HopMessage> {
  const stream = await connection.newStream(HOP, { runOnLimitedConnection: true })
  const frames = lpStream(stream)
  const signal = AbortSignal.timeout(40_000)
  await frames.write(HopMessage.encode(message), { signal })
  const answer = HopMessage.decode(await frames.read({ signal }))
  if (message.type !== HopType.CONNECT || answer.status !== 100) await stream.close({ signal })
  return answer
}

export const reserve = (connection: Connection): Promise<HopMessage> =>
  hopRequest(connection, { type: HopType.RESERVE })

export const connect = (connection: Connection, target: Libp2p): Promise<HopMessage> =>
  hopRequest(connection, {
    type: HopType.CONNECT,
    peer: { id: target.peerId.toMultihash().bytes, addrs: [] }
  })

import { AsyncLocalStorage } from 'node:async_hooks'
import { createHash, randomInt, randomUUID } from 'node:crypto'
import { channel } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { quic } from '@chainsafe/libp2p-quic'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { lpStream } from '@libp2p/utils'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import {
  HopMessage,
  HopType,
  Status,
  StopMessage,
  StopType
} from '../../app/main/relay/circuit/pb/messages.ts'
import { createPlainClient, reserve, type Client } from '../support/clients.ts'
import { hopFrames } from '../support/raw.ts'
import { sleep } from '../support/until.ts'
import { emptyTally, WAYS, type Leaving, type Tally, type Way } from './protocol.ts'
import { answer, Corrupt, offer, type Plan } from './transfer.ts'

/** One client's visit at the relay: it comes, perhaps reserves, transfers, and leaves in one way or another. */

const STOP = '/libp2p/circuit/relay/0.2.0/stop'
const MAX_TRANSFER_BYTES = 8 * 1024 * 1024
const TIMEOUT_MS = 20_000
/** Small, so that a pause stops the writer and not the stream (see FlowPeer). */
const WINDOW_BYTES = 256 * 1024

export interface Surroundings {
  addresses: Record<Way, string>
  tally: Tally
  /** Peers that have a reservation, as far as is known. */
  targets: () => readonly string[]
  /** Tells whether this peer has one. */
  reserved: (peer: string, has: boolean) => void
  /** No more is to be begun. */
  over: AbortSignal
}

/** Which sockets a dial has opened: what leaves by `cut` destroys them under libp2p. */
const dialing = new AsyncLocalStorage<Socket[]>()
channel('net.client.socket').subscribe(message => {
  dialing.getStore()?.push((message as { socket: Socket }).socket)
})

/** A client that is connected to the relay, and takes circuits. */
interface Arrived extends AsyncDisposable {
  peer: string
  way: Way
  connection: Connection
  sockets: readonly Socket[]
}

/** A visit, to its end; the identity is made of `seed`. */
export async function visit(seed: string, surroundings: Surroundings): Promise<void> {
  const { tally, reserved } = surroundings
  await using client = await arrive(seed, pick(WAYS), surroundings)
  const { peer, connection, sockets } = client
  try {
    if (chance(0.7) && (await reserve(connection)).status === Status.OK) {
      tally.reserved++
      reserved(peer, true)
    }
    await stay(client, surroundings)
    await leave(connection, sockets, tally)
  } finally {
    reserved(peer, false)
  }
}

/** Two clients that come by that way and go again in good order, with a circuit between them. @throws if it fails */
export async function introduce(way: Way, addresses: Record<Way, string>): Promise<void> {
  const tally = emptyTally()
  await using target = await arrive(randomUUID(), way, { addresses, tally })
  await using source = await arrive(randomUUID(), way, { addresses, tally })
  await reserve(target.connection)
  await transfer(source.connection, target.peer, { up: 100_000, down: 100_000, pauseMs: 0 }, tally)
  if (tally.completed !== 1) throw new Error(`no circuit by ${way}: ${JSON.stringify(tally)}`)
}

async function arrive(
  seed: string,
  way: Way,
  { addresses, tally }: Pick<Surroundings, 'addresses' | 'tally'>
): Promise<Arrived> {
  const client = await createClientOf(seed, way)
  try {
    await client.handle(STOP, stream => void serve(lpStream(stream), tally), {
      runOnLimitedConnection: true,
      maxInboundStreams: 1000
    })
    const sockets: Socket[] = []
    const dial = { signal: AbortSignal.timeout(TIMEOUT_MS) }
    const connection = await dialing.run(sockets, () => client.dial(multiaddr(addresses[way]), dial))
    tally.lives++
    tally.byWay[way]++
    const peer = client.peerId.toString()
    return { peer, way, connection, sockets, [Symbol.asyncDispose]: async () => client.stop() }
  } catch (error) {
    await client.stop()
    throw error
  }
}

async function createClientOf(seed: string, way: Way): Promise<Client> {
  const privateKey = await generateKeyPairFromSeed('Ed25519', createHash('sha256').update(seed).digest())
  return createPlainClient({
    encrypter: way === 'tls' ? 'tls' : 'noise',
    options: {
      privateKey,
      transports: [{ tcp, tls: tcp, ws: webSockets, quic }[way]()],
      streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: WINDOW_BYTES } })]
    }
  })
}

/** Waits and transfers by turns, some transfers side by side. */
async function stay({ connection, peer, way }: Arrived, around: Surroundings): Promise<void> {
  const { targets, over, tally } = around
  const running: Promise<void>[] = []
  for (let turns = randomInt(1, 6); turns > 0 && !over.aborted && connection.status === 'open'; turns--) {
    await sleep(randomInt(50, 1200))
    const others = targets().filter(target => target !== peer)
    if (others.length === 0 || over.aborted) continue
    const transferred = transfer(connection, pick(others), planFor(way), tally)
    if (chance(0.5)) await transferred
    else running.push(transferred)
  }
  // Some leave in the middle of theirs.
  if (chance(0.8)) await Promise.all(running)
}

function planFor(way: Way): Plan {
  // The stock QUIC stream reads on while it is paused, until it has too much.
  const pauseMs = way !== 'quic' && chance(0.3) ? randomInt(50, 1500) : 0
  const plan: Plan = { up: randomBytesCount(), down: randomBytesCount(), pauseMs }
  if (chance(0.1)) plan.breakAt = Math.floor(plan.up * Math.random())
  return plan
}

/** A circuit and what goes through it. */
async function transfer(connection: Connection, target: string, plan: Plan, tally: Tally): Promise<void> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const frames = await hopFrames(connection)
    const peer = { id: peerIdFromString(target).toMultihash().bytes, addrs: [] }
    await frames.write(HopMessage.encode({ type: HopType.CONNECT, peer }), { signal })
    const { status } = HopMessage.decode(await frames.read({ signal }))
    if (status !== Status.OK) {
      tally.refused++
      return await frames.unwrap().close({ signal })
    }
    await offer(frames.unwrap(), plan, bytes => (tally.bytes += bytes))
    tally.completed++
  } catch (error) {
    countFailure(error, tally)
  }
}

/** Takes a circuit that someone opens to us. */
async function serve(frames: ReturnType<typeof lpStream>, tally: Tally): Promise<void> {
  try {
    await frames.read()
    await frames.write(StopMessage.encode({ type: StopType.STATUS, status: Status.OK }))
    await answer(frames.unwrap() as Parameters<typeof answer>[0], bytes => (tally.bytes += bytes))
  } catch (error) {
    // Its source counts what broke.
    if (error instanceof Corrupt) countFailure(error, tally)
  }
}

function countFailure(error: unknown, tally: Tally): void {
  if (!(error instanceof Corrupt)) return void tally.broken++
  tally.corrupt++
  console.error(`corrupt: ${error.message}`)
}

async function leave(connection: Connection, sockets: readonly Socket[], tally: Tally): Promise<void> {
  const how = pick<Leaving>(['close', 'reset', 'cut'])
  tally.left[how]++
  if (how === 'close') return connection.close({ signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(() => {})
  if (how === 'cut') for (const socket of sockets) socket.destroy()
  // QUIC has no socket that could be cut here: its clients vanish with their process.
  connection.abort(new Error('enough'))
}

export const chance = (probability: number): boolean => Math.random() < probability

/** Small ones are as frequent as large ones: each power of two alike. */
function randomBytesCount(): number {
  return Math.floor(1024 * (MAX_TRANSFER_BYTES / 1024) ** Math.random())
}

function pick<T>(from: readonly T[]): T {
  return from[randomInt(from.length)] as T
}

import { randomBytes } from 'node:crypto'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { isRelayed } from '../addresses.ts'
import { Frames } from '../circuit/frames.ts'
import { sideOf } from '../circuit/stock-side.ts'
import { DIAL_BACK_OK, DialBack, V1Message, V1Status, V1Type } from './messages.ts'
import { V2DialStatus, V2Message, V2Status, type DataRequest } from './messages.ts'

/**
 * AutoNAT's client (libp2p/specs, autonat/autonat-v1.md and autonat-v2.md): asks one peer to dial one address of
 * ours. Upstream's clients ask each peer once, when it connects, and believe whatever it answers
 * (test/upstream/autonat.test.ts); whom to ask, when, and what it comes to is reach.ts and book.ts.
 */
export const V1_PROTOCOL = '/libp2p/autonat/1.0.0'
export const V2_PROTOCOL = '/libp2p/autonat/2/dial-request'
export const DIAL_BACK_PROTOCOL = '/libp2p/autonat/2/dial-back'

export type Version = 'v1' | 'v2'
/** `none`: the peer did not try, or did not say so in a way that counts. */
export type Outcome = 'reached' | 'failed' | 'none'

/** A server dials for up to 15 s, after waiting a while for its own protection. */
/** How long it may take to close a stream whose last message was said. */
const LINGER_MS = 5_000
const TIMEOUT_MS = 30_000
/** The most a server may ask for before it dials an address that is not the one it sees us at (v2). */
const MAX_DATA_BYTES = 100_000n
const DATA_CHUNK_BYTES = 4000

export interface Question {
  address: Multiaddr
  /** Whether it is worth sending up to 100 kB, which a v2 server wants where it sees us at another IP address. */
  pay: boolean
}

/** What we wait for while a v2 server dials: it shows the nonce over a connection of its own. */
export class DialBacks {
  readonly #expected = new Map<bigint, { askedOver: Connection; came: boolean }>()

  expect(askedOver: Connection): { nonce: bigint; came: () => boolean; forget: () => void } {
    const nonce = randomBytes(8).readBigUInt64BE()
    const entry = { askedOver, came: false }
    this.#expected.set(nonce, entry)
    return { nonce, came: () => entry.came, forget: () => void this.#expected.delete(nonce) }
  }

  /** The handler of {@link DIAL_BACK_PROTOCOL}. */
  readonly onStream = async (stream: Stream, connection: Connection): Promise<void> => {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    try {
      const frames = new Frames(sideOf(stream))
      const { nonce } = DialBack.decode(await frames.read(signal))
      const entry = this.#expected.get(nonce)
      const isNew = connection !== entry?.askedOver && connection.direction === 'inbound'
      if (entry === undefined || !isNew || isRelayed(connection)) throw new Error('an unexpected dial back')
      entry.came = true
      await frames.write(DIAL_BACK_OK, signal)
      await frames.close(LINGER_MS)
    } catch (error) {
      stream.abort(error as Error)
    }
  }
}

/** @throws where the peer does not answer as the protocol wants */
export async function askV2(
  connection: Connection,
  { address, pay }: Question,
  dialBacks: DialBacks,
  stop: AbortSignal
): Promise<Outcome> {
  const expected = dialBacks.expect(connection)
  try {
    return await talk(connection, V2_PROTOCOL, stop, async (frames, signal) => {
      const { nonce } = expected
      await frames.write(V2Message.encode({ dialRequest: { addrs: [address.bytes], nonce } }), signal)
      let answer = V2Message.decode(await frames.read(signal))
      if (answer.dataRequest !== undefined) {
        if (!pay || !(await sendData(frames, answer.dataRequest, signal))) return 'none'
        answer = V2Message.decode(await frames.read(signal))
      }
      const { dialResponse } = answer
      if (dialResponse?.status !== V2Status.OK) return 'none'
      if (dialResponse.dialStatus === V2DialStatus.DIAL_ERROR) return 'failed'
      // Upstream believes this without having seen the nonce.
      return dialResponse.dialStatus === V2DialStatus.OK && expected.came() ? 'reached' : 'none'
    })
  } finally {
    expected.forget()
  }
}

/** @throws where the peer does not answer as the protocol wants */
export async function askV1(
  connection: Connection,
  { address }: Question,
  self: PeerId,
  stop: AbortSignal
): Promise<Outcome> {
  return talk(connection, V1_PROTOCOL, stop, async (frames, signal) => {
    const dial = { id: self.toMultihash().bytes, addrs: [address.bytes] }
    await frames.write(V1Message.encode({ type: V1Type.DIAL, dial }), signal)
    const { response } = V1Message.decode(await frames.read(signal))
    if (response?.status === V1Status.OK) return 'reached'
    // What upstream's server says when it did not dial at all, but took the connection it was asked over.
    const dialled = response?.text !== 'Unexpected remote address'
    return response?.status === V1Status.DIAL_ERROR && dialled ? 'failed' : 'none'
  })
}

async function sendData(frames: Frames, { bytes }: DataRequest, signal: AbortSignal): Promise<boolean> {
  if (bytes > MAX_DATA_BYTES) return false
  for (let left = Number(bytes); left > 0; left -= DATA_CHUNK_BYTES) {
    const data = randomBytes(Math.min(left, DATA_CHUNK_BYTES))
    await frames.write(V2Message.encode({ data }), signal)
  }
  return true
}

async function talk(
  connection: Connection,
  protocol: string,
  stop: AbortSignal,
  run: (frames: Frames, signal: AbortSignal) => Promise<Outcome>
): Promise<Outcome> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(TIMEOUT_MS)])
  const stream = await connection.newStream(protocol, { signal })
  try {
    const frames = new Frames(sideOf(stream))
    const outcome = await run(frames, signal)
    // It has said what we wanted to know, however it leaves.
    void frames.close(LINGER_MS).catch((error: Error) => stream.abort(error))
    return outcome
  } catch (error) {
    stream.abort(error as Error)
    throw error
  }
}

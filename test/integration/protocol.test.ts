import { setImmediate } from 'node:timers/promises'
import type { Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  HopMessage,
  HopType,
  Status,
  StopMessage,
  StopType
} from '../../app/main/relay/circuit/pb/messages.ts'
import { LiveStreams } from '../support/live-streams.ts'
import { lose } from '../support/lose.ts'
import { connectMessage, hopFrames, RawEnd, RawPeer, type StopAnswer } from '../support/raw.ts'
import { KINDS, startRelay, type TestRelay } from '../support/relay.ts'
import { sleep, until } from '../support/until.ts'

/** What comes over a hop or stop stream, byte by byte: each ends with its status, and leaves nothing behind. */

const KiB = 1024
const streams = new LiveStreams()

const RESERVE = framed(HopMessage.encode({ type: HopType.RESERVE }))
const junk = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(0xa5)
const connectTo = (id: Uint8Array, addrs: Uint8Array[] = []): Uint8Array =>
  framed(HopMessage.encode({ type: HopType.CONNECT, peer: { id, addrs } }))
/** A RESERVE with a field that nobody knows, so long that the whole message has `bytes`. */
const reserveOf = (bytes: number): Uint8Array => {
  const rest = bytes - 5
  return framed(Uint8Array.from([0x08, 0, 0x7a, (rest & 0x7f) | 0x80, rest >> 7, ...new Uint8Array(rest)]))
}

function framed(message: Uint8Array): Uint8Array {
  const { length } = message
  const prefix = length < 0x80 ? [length] : [(length & 0x7f) | 0x80, length >> 7]
  return Uint8Array.from([...prefix, ...message])
}

/** A hop stream on which `speak` writes: the status that comes back, or that none does. */
async function answerTo(peer: RawPeer, speak: (stream: Stream) => unknown): Promise<number | 'none'> {
  const stream = (await hopFrames(peer.connection)).unwrap()
  const frames = lpStream(stream)
  try {
    await speak(stream)
    const answer = HopMessage.decode(await frames.read({ signal: AbortSignal.timeout(30_000) }))
    await stream.close()
    return answer.status ?? 'none'
  } catch {
    return 'none'
  }
}

const sends =
  (...chunks: (Uint8Array | number[])[]) =>
  (stream: Stream): void => {
    for (const chunk of chunks) stream.send(Uint8Array.from(chunk))
  }
const sendsAndCloses =
  (...chunks: (Uint8Array | number[])[]) =>
  async (stream: Stream): Promise<void> => {
    sends(...chunks)(stream)
    await stream.close()
  }

const MALFORMED = Status.MALFORMED_MESSAGE
const REQUESTS: [string, (stream: Stream) => unknown, number][] = [
  ['nothing but an end', sendsAndCloses(), MALFORMED],
  ['a length that breaks off', sendsAndCloses([0x80]), MALFORMED],
  ['a length without a message', sendsAndCloses([5]), MALFORMED],
  ['a message that breaks off', sendsAndCloses([10, 0x08, 0]), MALFORMED],
  ['an empty message', sends([0]), MALFORMED],
  ['a message of 4096 bytes', sends(reserveOf(4096)), Status.OK],
  ['a message of 4097 bytes', sends(reserveOf(4097)), MALFORMED],
  ['a length of 2 GiB', sends([0xff, 0xff, 0xff, 0xff, 0x07]), MALFORMED],
  ['a length of ten bytes', sends([...new Uint8Array(9).fill(0xff), 1]), MALFORMED],
  ['a length that never ends', sends(new Uint8Array(64 * KiB).fill(0xff)), MALFORMED],
  ['noise', sends(framed(junk(300))), MALFORMED],
  ['a field longer than the message', sends(framed(Uint8Array.of(0x08, 1, 0x12, 0x7f, 1))), MALFORMED],
  ['a STATUS', sends(framed(HopMessage.encode({ type: HopType.STATUS, status: 100 }))), 401],
  ['an unknown type', sends(framed(HopMessage.encode({ type: 7 }))), 401],
  ['no type', sends(framed(HopMessage.encode({ status: 100 }))), MALFORMED],
  ['a CONNECT to nobody', sends(framed(HopMessage.encode({ type: HopType.CONNECT }))), MALFORMED],
  ['a CONNECT to an empty peer id', sends(connectTo(new Uint8Array())), MALFORMED],
  ['a CONNECT to a garbled peer id', sends(connectTo(junk(34))), MALFORMED],
  ['a CONNECT to an unknown peer', sends(connectTo(Uint8Array.of(0x12, 32, ...junk(32)))), 204],
  ['garbled addresses', sends(connectTo(Uint8Array.of(0x12, 32, ...junk(32)), [junk(20)])), MALFORMED],
  [
    'a RESERVE with a garbled peer',
    sends(framed(HopMessage.encode({ type: HopType.RESERVE, peer: { id: junk(9), addrs: [junk(3)] } }))),
    Status.OK
  ],
  ['two messages at once', sends(RESERVE, RESERVE), Status.OK],
  ['64 KiB after the message', sends(RESERVE, junk(64 * KiB)), Status.OK]
]

const ANSWERS: [string, StopAnswer][] = [
  ['garbage', (_, frames) => frames.unwrap().send(framed(junk(100)))],
  ['an oversized length', (_, frames) => frames.unwrap().send(Uint8Array.of(0xff, 0xff, 0x7f))],
  ['a length that never ends', (_, frames) => frames.unwrap().send(new Uint8Array(64 * KiB).fill(0xff))],
  ['an empty message', (_, frames) => frames.unwrap().send(Uint8Array.of(0))],
  ['a CONNECT', (_, frames) => frames.write(StopMessage.encode({ type: StopType.CONNECT, status: 100 }))],
  ['no status', (_, frames) => frames.write(StopMessage.encode({ type: StopType.STATUS }))],
  ['a refusal', (_, frames) => frames.write(StopMessage.encode({ type: StopType.STATUS, status: 202 }))],
  ['an end', (_, frames) => frames.unwrap().close()],
  ['a reset', (_, frames) => frames.unwrap().abort(new Error('no'))]
]

describe.each(KINDS)('on %s', kind => {
  let relay: TestRelay
  let peer: RawPeer
  /** Answers stop as the test wants it. */
  let target: RawPeer
  let answer: StopAnswer

  beforeAll(async () => {
    relay = await startRelay()
    peer = await RawPeer.create(relay.address(kind))
    target = await RawPeer.reserved(relay.address(kind), { answer: (raw, frames) => answer(raw, frames) })
  })

  afterAll(async () => {
    await Promise.all([peer.client.stop(), target.client.stop()])
    await until('all is free', () => relay.node.connectedPeers === 0)
    expect(relay.node.relay.reservations.size).toBe(0)
    await relay.node.stop()
  })

  async function nothingIsLeft(seconds = 3): Promise<void> {
    const { circuits } = relay.node.relay
    await until('streams and slots are free', () => streams.ofRelay.length + circuits.size === 0, seconds)
  }

  it.each(REQUESTS)('answers %s', async (_, speak, status) => {
    const begun = performance.now()
    expect(await answerTo(peer, speak)).toBe(status)
    expect(performance.now() - begun).toBeLessThan(5000)
    await nothingIsLeft()
  })

  it('takes a message one byte at a time', async () => {
    const spelled = async (stream: Stream): Promise<void> => {
      for (const byte of RESERVE) {
        stream.send(Uint8Array.of(byte))
        await sleep(5)
      }
    }
    expect(await answerTo(peer, spelled)).toBe(Status.OK)
    await nothingIsLeft()
  })

  it('resets a stream that sends 2 MiB instead of waiting for its answer', async () => {
    const stream = (await hopFrames(peer.connection)).unwrap()
    stream.send(Uint8Array.of(10, 8))
    for (let sent = 0; sent < 2048 && stream.status === 'open'; sent += 64) {
      stream.send(junk(64 * KiB))
      await setImmediate()
    }
    stream.abort(new Error('enough'))
    await nothingIsLeft()
    expect((await peer.reserve()).status).toBe(Status.OK)
  })

  it('forgets a stream that is reset in the middle of a message', async () => {
    const stream = (await hopFrames(peer.connection)).unwrap()
    stream.send(RESERVE.subarray(0, 2))
    await until('the relay has it', () => streams.ofRelay.length === 1)
    stream.abort(new Error('enough'))
    await nothingIsLeft()
  })

  it('answers 203 whatever the target gives', async () => {
    for (const [name, given] of ANSWERS) {
      answer = given
      expect((await peer.connect(target)).status, name).toBe(Status.CONNECTION_FAILED)
      expect(relay.node.relay.circuits.size, name).toBe(0)
    }
    await nothingIsLeft(8)
  })

  it('passes on what came before its answer, in order', async () => {
    const taken = Promise.withResolvers<RawEnd>()
    answer = async (_, frames) => {
      await sleep(50)
      await frames.write(StopMessage.encode({ type: StopType.STATUS, status: Status.OK }))
      taken.resolve(new RawEnd(frames.unwrap()))
    }
    const stream = (await hopFrames(peer.connection)).unwrap()
    stream.send(framed(HopMessage.encode(connectMessage(target))))
    for (let block = 0; block < 64; block++) stream.send(new Uint8Array(KiB).fill(block))
    const end = await taken.promise
    await end.receives(64 * KiB)
    expect([...new Set(Buffer.from(end.text, 'latin1'))]).toEqual([...Array(64).keys()])
    stream.abort(new Error('done'))
    await nothingIsLeft()
  })

  describe('while the target thinks', () => {
    beforeAll(() => {
      answer = () => {}
    })

    async function asking(): Promise<Stream> {
      answer = () => {}
      const stream = (await hopFrames(peer.connection)).unwrap()
      stream.send(framed(HopMessage.encode(connectMessage(target))))
      await until('a slot is taken', () => relay.node.relay.circuits.size === 1)
      return stream
    }

    it('frees the slot of a source that resets its stream', async () => {
      const stream = await asking()
      stream.abort(new Error('enough'))
      await nothingIsLeft(2)
    })

    it('takes no more of a source that sends 2 MiB than its window', async () => {
      const stream = await asking()
      for (let sent = 0; sent < 2048; sent += 64) {
        stream.send(junk(64 * KiB))
        await setImmediate()
      }
      expect(relay.node.relay.circuits.size).toBe(1)
      expect(stream.writableNeedsDrain).toBe(true)
      lose(peer.connection)
      await nothingIsLeft(2)
      await peer.client.stop()
      peer = await RawPeer.create(relay.address(kind))
    })

    it('frees the slot of a source whose connection is lost', async () => {
      await asking()
      lose(peer.connection)
      await nothingIsLeft(2)
      await peer.client.stop()
      peer = await RawPeer.create(relay.address(kind))
    })

    it('resets the target where the source is lost between its question and its answer', async () => {
      const late = Promise.withResolvers<RawEnd>()
      const vanish = Promise.withResolvers<void>()
      const stream = (await hopFrames(peer.connection)).unwrap()
      answer = async (_, frames) => {
        vanish.resolve()
        await until('the slot is free', () => relay.node.relay.circuits.size === 0)
        const end = new RawEnd(frames.unwrap())
        late.resolve(end)
        end.send(framed(StopMessage.encode({ type: StopType.STATUS, status: Status.OK })))
      }
      stream.send(framed(HopMessage.encode(connectMessage(target))))
      await vanish.promise
      lose(peer.connection)
      const end = await late.promise
      await end.isOver()
      await nothingIsLeft()
      await peer.client.stop()
      peer = await RawPeer.create(relay.address(kind))
    })
  })
})

it('gives up on who does not finish: 400 after 10 s, 203 after 15 s for a silent target', async () => {
  await using relay = await startRelay()
  await Promise.all(
    KINDS.map(async kind => {
      await using peer = await RawPeer.create(relay.address(kind))
      await using target = await RawPeer.reserved(relay.address(kind), { answer: () => {} })
      const begun = performance.now()
      const [status, nothing, { status: silent }] = await Promise.all([
        answerTo(peer, sends([10, 8])),
        answerTo(peer, sends()),
        peer.connect(target),
        sleep(9500).then(() => expect(streams.ofRelay.length).toBeGreaterThanOrEqual(3))
      ])
      expect([status, nothing, silent]).toEqual([MALFORMED, MALFORMED, Status.CONNECTION_FAILED])
      expect(performance.now() - begun).toBeLessThan(17_000)
    })
  )
  await until('all is free', () => streams.ofRelay.length === 0 && relay.node.connectedPeers === 0)
  expect(relay.node.relay.circuits.size + relay.node.relay.reservations.size).toBe(0)
}, 60_000)

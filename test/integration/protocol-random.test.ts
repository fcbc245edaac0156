import { setImmediate } from 'node:timers/promises'
import type { Stream } from '@libp2p/interface'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  HopMessage,
  HopType,
  Status,
  StopMessage,
  StopType
} from '../../app/main/relay/circuit/pb/messages.ts'
import { hopFrames, RawPeer, type StopAnswer } from '../support/raw.ts'
import { KINDS } from '../support/relay.ts'
import { until } from '../support/until.ts'
import { WatchedRelay } from '../support/watched-relay.ts'

const BATCHES = 5
const MESSAGES = 2000
const AT_ONCE = 50
const MiB = 1024 * 1024

type Ending = 'answer' | 'close' | 'reset' | 'leave'

interface Attack {
  bytes: Uint8Array
  /** Where the bytes are cut into writes, as parts of the whole. */
  cuts: number[]
  ending: Ending
}

const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength })

function messages(target: Uint8Array): fc.Arbitrary<HopMessage> {
  const id = fc.oneof(fc.constant(target), bytes(40))
  const peer = fc.record({ id, addrs: fc.array(bytes(30), { maxLength: 3 }) })
  const type = fc.oneof({ weight: 9, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.nat() })
  const reservation = fc.record({
    expire: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    addrs: fc.array(bytes(30), { maxLength: 2 })
  })
  const limit = fc.record({ duration: fc.nat(), data: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) })
  const all = { type, peer, reservation, limit, status: fc.nat(500) }
  return fc.oneof(
    fc.record(all, { requiredKeys: ['type'] }),
    fc.constant<HopMessage>({ type: HopType.CONNECT, peer: { id: target, addrs: [] } })
  )
}

/** A valid message with a byte changed, left out, or put in. */
function mutated(valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const edit = fc.tuple(fc.constantFrom('change', 'drop', 'insert'), fc.nat(), fc.nat(255))
  return fc.tuple(valid, fc.array(edit, { minLength: 1, maxLength: 4 })).map(([message, edits]) => {
    const result = [...message]
    for (const [kind, where, byte] of edits) {
      const at = result.length === 0 ? 0 : where % result.length
      result.splice(at, kind === 'insert' ? 0 : 1, ...(kind === 'drop' ? [] : [byte]))
    }
    return Uint8Array.from(result)
  })
}

function prefixed(message: Uint8Array, length = message.length): Uint8Array {
  const prefix: number[] = []
  for (; length >= 0x80; length = Math.floor(length / 128)) prefix.push((length % 128) | 0x80)
  return Uint8Array.from([...prefix, length, ...message])
}

function attacks(target: Uint8Array, endings: fc.Arbitrary<Ending>): fc.Arbitrary<Attack> {
  const valid = messages(target).map(message => HopMessage.encode(message))
  const body = fc.oneof(valid, mutated(valid), bytes(600), bytes(6000))
  const frame = fc.oneof(
    { weight: 6, arbitrary: body.map(message => prefixed(message)) },
    {
      weight: 1,
      arbitrary: fc.tuple(body, fc.nat(2 ** 40)).map(([message, length]) => prefixed(message, length))
    },
    { weight: 1, arbitrary: body }
  )
  const extra = fc.oneof({ weight: 3, arbitrary: fc.constant(new Uint8Array()) }, bytes(2000))
  return fc.record({
    bytes: fc.tuple(frame, extra).map(([one, two]) => Uint8Array.from([...one, ...two])),
    cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 }),
    ending: endings
  })
}

const endings = fc.constantFrom<Ending>('answer', 'answer', 'close', 'reset')
const endingsOrNone = fc.oneof(
  { weight: 19, arbitrary: endings },
  { weight: 1, arbitrary: fc.constant<Ending>('leave') }
)

/** A target that gives each circuit another kind of answer. */
function capricious(): StopAnswer {
  const answers: StopAnswer[] = [
    (_, frames) => frames.write(StopMessage.encode({ type: StopType.STATUS, status: 202 })),
    (_, frames) => frames.unwrap().send(new Uint8Array(50).fill(0xa5)),
    (_, frames) => frames.unwrap().abort(new Error('no')),
    (_, frames) => frames.unwrap().close(),
    async (_, frames) => {
      await frames.write(StopMessage.encode({ type: StopType.STATUS, status: Status.OK }))
      frames.unwrap().send(new Uint8Array(1000))
      await setImmediate()
      frames.unwrap().abort(new Error('enough'))
    }
  ]
  let asked = 0
  return (peer, frames) => answers[asked++ % answers.length]?.(peer, frames)
}

/** Writes the attack; a stream that is left open is returned. */
async function carryOut({ bytes, cuts, ending }: Attack, peer: RawPeer): Promise<Stream | undefined> {
  const stream = (await hopFrames(peer.connection)).unwrap()
  stream.addEventListener('message', () => {})
  try {
    const ends = [...cuts.map(cut => Math.floor(cut * bytes.length)), bytes.length].sort((a, b) => a - b)
    let from = 0
    for (const end of ends) {
      if (end > from) stream.send(bytes.subarray(from, end))
      from = end
      await setImmediate()
    }
    if (ending === 'leave') return stream
    if (ending === 'reset') stream.abort(new Error('enough'))
    else await stream.close()
    if (ending === 'answer') {
      await until('the relay is done', () => stream.readableEnded || stream.status !== 'open', 40)
    }
  } catch {
    // The relay has reset the stream.
  }
  return undefined
}

it(`survives ${BATCHES * MESSAGES} random messages`, async () => {
  const seed = Date.now()
  await using relay = await WatchedRelay.start()
  await using target = await RawPeer.reserved(relay.address('tcp'), { answer: capricious() })
  const peers = await Promise.all(
    [...KINDS, ...KINDS].map(kind => RawPeer.create(relay.address(kind), { answer: capricious() }))
  )
  const targetId = target.client.peerId.toMultihash().bytes
  const heap: number[] = []
  const rss: number[] = []
  try {
    for (let batch = 0; batch < BATCHES; batch++) {
      const isLast = batch === BATCHES - 1
      const arbitrary = attacks(targetId, isLast ? endingsOrNone : endings)
      const queue = fc.sample(arbitrary, { numRuns: MESSAGES, seed: seed + batch }).entries()
      const worker = async (): Promise<void> => {
        for (const [index, attack] of queue) {
          const peer = peers[index % peers.length]
          if (peer !== undefined) await carryOut(attack, peer)
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, () => worker()))
      // What was left open goes with its timeout; so do streams whose peer does not close them.
      const vitals = await relay.settled(({ streams }) => streams === 0, 30)
      expect(vitals, `seed ${seed}, batch ${batch}`).toMatchObject({ circuits: 0, streams: 0 })
      heap.push(vitals.heapUsed)
      rss.push(vitals.rss)
    }
    // Batches after the first two, which warm caches and code: level.
    const growth = (samples: number[]): number => (samples.at(-1) ?? 0) - (samples[1] ?? 0)
    expect(growth(heap) / MiB, `heap ${heap.join(' ')}`).toBeLessThan(4)
    expect(growth(rss) / MiB, `rss ${rss.join(' ')}`).toBeLessThan(40)

    await using listener = await RawPeer.reserved(relay.address('quic'))
    await using dialer = await RawPeer.create(relay.address('ws'))
    expect((await dialer.connect(listener)).status).toBe(Status.OK)
  } finally {
    await Promise.all(peers.map(async peer => peer.client.stop()))
  }
  const rest = await relay.settled(({ peers }) => peers === 1)
  expect(rest).toMatchObject({ circuits: 0, streams: 0, reservations: 1, peers: 1 })
}, 240_000)

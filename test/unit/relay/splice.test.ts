import { randomBytes } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { defaultLogger } from '@libp2p/logger'
import type { Stream } from '@libp2p/interface'
import { AbstractStream, type SendResult } from '@libp2p/utils'
import fc from 'fast-check'
import { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, it } from 'vitest'
import { Shaper, type Direction, type Rates } from '../../../app/main/relay/budget/shaper.ts'
import type { Joinable } from '../../../app/main/relay/circuit/frames.ts'
import { Held } from '../../../app/main/relay/circuit/held.ts'
import { Splice } from '../../../app/main/relay/circuit/splice.ts'
import { sideOf } from '../../../app/main/relay/circuit/stock-side.ts'
import { VirtualTiming } from './virtual-timing.ts'

const kB = 1000
const WINDOW = 256 * 1024
const log = defaultLogger().forComponent('test')

/** A relay's stream, and by the methods after `sendData` what its peer and its connection do. */
class PeerStream extends AbstractStream {
  readonly got = new Uint8ArrayList()
  gotEnd = false
  gotReset = false
  /** Bytes the peer still takes before it is full. */
  room = Infinity
  /** Bytes the peer may send before it has to wait. */
  credit = WINDOW
  /** Bytes the peer sent. */
  peerSent = 0
  #unasked = 0
  #pausedBelow = false

  constructor(id: string) {
    super({ id, log, direction: 'inbound', maxMessageSize: 65_536 })
  }

  sendData(data: Uint8ArrayList): SendResult {
    const sentBytes = Math.min(this.room, data.byteLength)
    this.got.append(data.slice(0, sentBytes))
    this.room -= sentBytes
    return { sentBytes, canSendMore: sentBytes === data.byteLength }
  }

  sendReset(): void {
    this.gotReset = true
  }

  async sendCloseWrite(): Promise<void> {
    this.gotEnd = true
  }

  async sendCloseRead(): Promise<void> {}

  sendPause(): void {
    this.#pausedBelow = true
  }

  // As Yamux does: asks for more, over a connection that may be gone.
  sendResume(): void {
    if (this.status !== 'open') throw new Error('Cannot write to a stream that is closed')
    this.#pausedBelow = false
    this.#ask()
  }

  /** The peer sends as much of that as its window allows: how much. */
  peerSends(data: Uint8Array): number {
    const bytes = Math.min(this.credit, data.byteLength)
    this.credit -= bytes
    this.peerSent += bytes
    this.#unasked += bytes
    this.onData(data.slice(0, bytes))
    if (!this.#pausedBelow) this.#ask()
    return bytes
  }

  peerCloses(): void {
    this.onRemoteCloseWrite()
  }

  /** The peer takes so much more. */
  peerTakes(bytes: number): void {
    this.room = bytes
    this.safeDispatchEvent('drain')
  }

  #ask(): void {
    this.credit += this.#unasked
    this.#unasked = 0
  }
}

/** Bytes in use, after a garbage collection. */
function collector(): () => number {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  return () => {
    gc()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
}

interface Setting {
  rates?: Partial<Rates>
  bytesEachWay?: () => number
}

function join({ rates = {}, bytesEachWay = () => Infinity }: Setting = {}) {
  const timing = new VirtualTiming()
  const none = {
    totalBytesPerSecond: Infinity,
    perPeerBytesPerSecond: Infinity,
    perCircuitBytesPerSecond: Infinity
  }
  const shaper = new Shaper({ ...none, ...rates }, timing)
  const source = new PeerStream('source')
  const target = new PeerStream('target')
  const relayed: Record<Direction, number> = { 'to-target': 0, 'to-source': 0 }
  const ends: string[] = []
  const splice = new Splice({
    source: joinable(source),
    target: joinable(target),
    sourcePeer: 'a',
    targetPeer: 'b',
    shaper,
    bytesEachWay,
    relayed: (direction, bytes) => (relayed[direction] += bytes),
    ended: reason => ends.push(reason)
  })
  splice.start()
  /** Bytes of the direction to the target that lie in the relay. */
  const held = (): number => source.peerSent - target.got.byteLength
  return { timing, shaper, source, target, splice, relayed, ends, held, none }
}

describe('a splice', () => {
  it('passes both directions on and counts them', async () => {
    const { source, target, splice, relayed } = join()
    const [there, back] = [randomBytes(100_000), randomBytes(5_000)]
    source.peerSends(there)
    target.peerSends(back)
    await turn()
    expect(target.got.subarray()).toEqual(Uint8Array.from(there))
    expect(source.got.subarray()).toEqual(Uint8Array.from(back))
    expect([splice.bytesToTarget, splice.bytesToSource]).toEqual([100_000, 5_000])
    expect(relayed).toEqual({ 'to-target': 100_000, 'to-source': 5_000 })
  })

  it('passes on what lay in the streams before it was made', async () => {
    const stream = new PeerStream('early')
    stream.peerSends(Buffer.from('early'))
    stream.peerCloses()
    const target = new PeerStream('target')
    const shaper = new Shaper({
      totalBytesPerSecond: Infinity,
      perPeerBytesPerSecond: Infinity,
      perCircuitBytesPerSecond: Infinity
    })
    const splice = new Splice({
      source: joinable(stream),
      target: joinable(target),
      sourcePeer: 'a',
      targetPeer: 'b',
      shaper,
      bytesEachWay: () => Infinity,
      relayed: () => {},
      ended: () => {}
    })
    splice.start()
    await turn()
    expect(Buffer.from(target.got.subarray()).toString()).toBe('early')
    expect(target.gotEnd).toBe(true)
  })

  it('stops reading from a side when the other is full, and goes on when it is not', async () => {
    const { source, target, held, ends } = join()
    target.room = 0
    const data = randomBytes(4 * WINDOW)
    let sent = 0
    for (let i = 0; i < 50; i++) {
      sent += source.peerSends(data.subarray(sent))
      await turn()
    }
    expect(source.credit).toBe(0)
    expect(sent).toBeLessThanOrEqual(2 * WINDOW)
    expect(held()).toBeLessThanOrEqual(2 * WINDOW)
    for (let i = 0; i < 500 && target.got.byteLength < data.byteLength; i++) {
      target.peerTakes(30_000)
      await turn()
      sent += source.peerSends(data.subarray(sent))
      expect(held()).toBeLessThanOrEqual(2 * WINDOW)
    }
    expect(target.got.subarray()).toEqual(Uint8Array.from(data))
    expect(ends).toEqual([])
  })

  it('holds short pieces in as little memory as long ones', async () => {
    const { source, target, held } = join()
    target.room = 0
    const collect = collector()
    const before = collect()
    // Each is all that is left of a packet of 4 KiB.
    for (let i = 0; i < 100_000; i++) source.onData(new Uint8Array(4096).subarray(7, 8))
    await turn()
    source.peerSent = 100_000
    expect(held()).toBe(100_000)
    // What is let go of is not always gone after one collection.
    let grown = Infinity
    for (let tries = 0; grown >= 4_000_000 && tries < 20; tries++) {
      await turn()
      grown = Math.min(grown, collect() - before)
    }
    expect(grown).toBeLessThan(4_000_000)
    target.peerTakes(Infinity)
    await turn()
    expect(target.got.byteLength).toBe(100_000)
  })

  it('keeps the other direction going while one is full', async () => {
    const { source, target } = join()
    target.room = 0
    source.peerSends(randomBytes(WINDOW))
    await turn()
    for (let i = 0; i < 10; i++) {
      target.peerSends(randomBytes(50_000))
      await turn()
    }
    expect(source.got.byteLength).toBe(500_000)
  })
})

describe('its end', () => {
  it('keeps half-closes apart, and is over when both sides have closed', async () => {
    const { source, target, ends } = join()
    source.peerSends(Buffer.from('question'))
    source.peerCloses()
    await turn()
    expect(target.gotEnd).toBe(true)
    expect(source.gotEnd).toBe(false)
    target.peerSends(Buffer.from('answer'))
    target.peerCloses()
    await turn()
    expect(Buffer.from(source.got.subarray()).toString()).toBe('answer')
    expect(source.gotEnd).toBe(true)
    expect(ends).toEqual(['closed'])
    expect([source.gotReset, target.gotReset]).toEqual([false, false])
  })

  it('waits for the last bytes of a circuit with a rate', async () => {
    const { source, target, timing, ends } = join({ rates: { perCircuitBytesPerSecond: 10 * kB } })
    const data = randomBytes(100 * kB)
    source.peerSends(data)
    source.peerCloses()
    target.peerCloses()
    await turn()
    for (let i = 0; i < 110; i++) {
      timing.advance(100)
      await turn()
    }
    expect(target.got.subarray()).toEqual(Uint8Array.from(data))
    expect(ends).toEqual(['closed'])
  })

  it('gives a slow reader all the time it needs for the last bytes', async () => {
    const { source, target, ends } = join()
    target.room = 0
    const data = randomBytes(WINDOW)
    source.peerSends(data)
    source.peerCloses()
    target.peerCloses()
    await turn()
    expect(target.gotEnd).toBe(false)
    for (let i = 0; i < 40; i++) {
      target.peerTakes(8192)
      await turn()
    }
    expect(target.got.subarray()).toEqual(Uint8Array.from(data))
    expect(target.gotEnd).toBe(true)
    expect(ends).toEqual(['closed'])
  })

  it('passes on what a sender sent before it closed its end and lost its connection', async () => {
    const { source, target, timing, ends } = join({ rates: { perCircuitBytesPerSecond: 100 * kB } })
    const data = randomBytes(WINDOW)
    source.peerSends(data.subarray(0, WINDOW / 2))
    await turn()
    source.peerSends(data.subarray(WINDOW / 2))
    await turn()
    expect(source.credit).toBe(0)
    source.peerCloses()
    source.onTransportClosed()
    await turn()
    expect(ends).toEqual([])
    for (let i = 0; i < 100; i++) {
      timing.advance(100)
      await turn()
    }
    expect(target.got.subarray()).toEqual(Uint8Array.from(data))
    expect(target.gotEnd).toBe(true)
    expect(target.gotReset).toBe(false)
    expect(ends).toEqual(['peer-gone'])
  })

  it('is at once when a side loses its connection in the middle', async () => {
    const { source, target, ends } = join()
    source.peerSends(Buffer.from('half a'))
    await turn()
    source.onTransportClosed()
    await turn()
    expect(ends).toEqual(['peer-gone'])
    expect(target.gotReset).toBe(true)
  })

  it('does not hang when a reader that has closed its own end leaves while it is full', async () => {
    const { source, target, ends } = join()
    target.room = 0
    target.peerCloses()
    await turn()
    source.peerSends(randomBytes(WINDOW))
    await turn()
    target.onTransportClosed()
    await turn()
    expect(ends).toEqual(['peer-gone'])
  })

  it('does not hang when a full reader leaves while the last bytes wait for it', async () => {
    const { source, target, ends } = join()
    target.room = 0
    target.peerCloses()
    source.peerSends(randomBytes(WINDOW))
    source.peerCloses()
    await turn()
    expect(ends).toEqual([])
    target.onTransportClosed()
    await turn()
    expect(ends).toEqual(['peer-gone'])
  })

  it.each(['source', 'target'] as const)('resets the other side when the %s resets', async side => {
    const { source, target, ends } = join()
    const [resets, other] = side === 'source' ? [source, target] : [target, source]
    source.peerSends(Buffer.from('some'))
    resets.onRemoteReset()
    await turn()
    expect(ends).toEqual(['reset'])
    expect(other.gotReset).toBe(true)
  })

  it('is one event, whatever comes after', async () => {
    const { source, target, splice, ends } = join()
    splice.end('duration')
    source.peerSends(Buffer.from('late'))
    source.onRemoteReset()
    target.onTransportClosed()
    splice.end('bytes')
    await turn()
    expect(ends).toEqual(['duration'])
    expect(target.got.byteLength).toBe(0)
  })

  it('comes with the first byte over the limit of one direction, when all under it was passed on', async () => {
    const { source, target, ends } = join({ bytesEachWay: () => 1000 })
    target.peerSends(randomBytes(1000))
    source.peerSends(randomBytes(999))
    source.peerSends(randomBytes(1))
    await turn()
    expect(ends).toEqual([])
    source.peerSends(randomBytes(1))
    await turn()
    expect(ends).toEqual(['bytes'])
    expect(target.got.byteLength).toBe(1000)
    expect(source.got.byteLength).toBe(1000)
  })

  it('leaves nothing waiting in the shaper', async () => {
    const { source, splice, timing } = join({ rates: { perCircuitBytesPerSecond: 1000 } })
    source.peerSends(randomBytes(100_000))
    await turn()
    expect(timing.waiting).toBe(1)
    splice.end('duration')
    expect(timing.waiting).toBe(0)
  })
})

it('takes a rate, another one and none while it runs, and loses nothing', async () => {
  const { source, target, timing, shaper, none, held } = join()
  const data = randomBytes(8 * WINDOW)
  let sent = 0
  const run = async (milliseconds: number): Promise<void> => {
    for (let i = 0; i < milliseconds; i += 10) {
      sent += source.peerSends(data.subarray(sent, sent + 2000))
      timing.advance(10)
      await turn()
      expect(held()).toBeLessThanOrEqual(2 * WINDOW)
    }
  }
  await run(500)
  expect(target.got.byteLength).toBe(sent)
  shaper.setRates({ ...none, perCircuitBytesPerSecond: 50 * kB })
  const before = target.got.byteLength
  await run(4000)
  expect(target.got.byteLength - before).toBeGreaterThan(190 * kB)
  expect(target.got.byteLength - before).toBeLessThan(210 * kB)
  shaper.setRates(none)
  await run(500)
  expect(target.got.byteLength).toBe(sent)
  expect(target.got.subarray()).toEqual(Uint8Array.from(data.subarray(0, sent)))
})

it('loses, adds and swaps nothing, whatever order things happen in', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('send' as const), bytes: fc.integer({ min: 1, max: 200_000 }) }),
    fc.record({ kind: fc.constant('take' as const), bytes: fc.integer({ min: 0, max: 200_000 }) }),
    fc.record({ kind: fc.constant('time' as const), bytes: fc.integer({ min: 1, max: 3000 }) }),
    fc.record({ kind: fc.constant('rate' as const), bytes: fc.integer({ min: 1, max: 3_000_000 }) }),
    fc.record({ kind: fc.constant('lift' as const), bytes: fc.constant(0) }),
    fc.record({ kind: fc.constant('wait' as const), bytes: fc.constant(0) })
  )
  const data = randomBytes(10_000_000)
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async steps => {
      const { source, target, timing, shaper, none, held, ends } = join()
      target.room = 100_000
      let sent = 0
      for (const { kind, bytes } of steps) {
        if (kind === 'send') sent += source.peerSends(data.subarray(sent, sent + bytes))
        else if (kind === 'take') target.peerTakes(bytes)
        else if (kind === 'time') timing.advance(bytes)
        else if (kind === 'rate') shaper.setRates({ ...none, totalBytesPerSecond: bytes })
        else if (kind === 'lift') shaper.setRates(none)
        else await turn()
        expect(held()).toBeLessThanOrEqual(2 * WINDOW)
      }
      source.peerCloses()
      target.peerCloses()
      shaper.setRates(none)
      for (let i = 0; i < 20 && ends.length === 0; i++) {
        target.peerTakes(Infinity)
        await turn()
      }
      expect(ends).toEqual(['closed'])
      expect(Buffer.compare(target.got.subarray(), data.subarray(0, sent))).toBe(0)
    }),
    { numRuns: 200 }
  )
})

function joinable(stream: Stream): Joinable {
  return { side: sideOf(stream), early: new Held(), ended: false }
}

import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { SideSink } from '../../../../../app/main/relay/circuit/side.ts'
import type { YamuxStream } from '../../../../../app/main/relay/fast/yamux/stream.ts'
import { settle, tick } from './memory-duct.ts'
import { nodes, type Node } from './raw-peer.ts'

const STREAMS = 3
const WINDOW = 256 * 1024
/** A long way, so that windows grow. */
const MOST_WINDOW = 1792 * 1024

type Step =
  | { kind: 'write'; stream: number; side: number; bytes: number }
  | { kind: 'credit'; stream: number; side: number; bytes: number }
  | { kind: 'finish'; stream: number; side: number }
  | { kind: 'reset'; stream: number; side: number }
  | { kind: 'move'; side: number; bytes: number; piece: number }

const pick = { stream: fc.nat(STREAMS - 1), side: fc.nat(1) }
const MOST_BYTES = 400_000
const bytes = fc.oneof(fc.nat(40), fc.nat(2000), fc.nat(MOST_BYTES))
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 14, arbitrary: fc.record({ kind: fc.constant('write' as const), ...pick, bytes }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('credit' as const), ...pick, bytes }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('finish' as const), ...pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reset' as const), ...pick }) },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('move' as const),
      side: fc.nat(1),
      bytes: fc.oneof(fc.nat(30), fc.nat(300_000)),
      piece: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 4000, max: 70_000 }))
    })
  }
)

/** What a stream carries is cut from this, so that what is lost, doubled or out of order shows. */
const PERIOD = 251
const pattern = Buffer.from(Array.from({ length: 2 * MOST_WINDOW }, (_, i) => i % PERIOD))
const bytesAt = (seed: number, at: number, length: number): Buffer => {
  const start = (seed * 31 + at) % PERIOD
  return pattern.subarray(start, start + length)
}

/** One end of a stream: what it was to write, has written, was told. */
class End implements SideSink {
  readonly stream: YamuxStream
  readonly seed: number
  wanted = 0
  written = 0
  read = 0
  uncredited = 0
  wrong = false
  ending = false
  finished = false
  told: string[] = []
  closed: { error?: Error } | undefined

  constructor(stream: YamuxStream, seed: number) {
    this.stream = stream
    this.seed = seed
    stream.join(this)
  }

  onBytes(piece: Uint8Array): void {
    if (this.told.length > 0 || this.closed) this.wrong = true
    if (!bytesAt(this.seed ^ 1, this.read, piece.byteLength).equals(piece)) this.wrong = true
    this.read += piece.byteLength
    this.uncredited += piece.byteLength
    if (this.uncredited > MOST_WINDOW) this.wrong = true
  }

  onEnd(): void {
    this.told.push('end')
  }

  onClose(error?: Error): void {
    this.wrong ||= this.closed !== undefined
    this.closed = { error }
  }

  onWritable = (): void => this.pump()

  pump(): void {
    while (this.written < this.wanted && !this.closed) {
      const room = Math.min(this.stream.sendable, this.wanted - this.written)
      if (room === 0) return
      this.stream.write(bytesAt(this.seed, this.written, room))
      this.written += room
    }
    if (this.ending && !this.finished && !this.closed) {
      this.finished = true
      void this.stream.finish().catch(() => {})
    }
  }

  credit(most: number): void {
    const credited = Math.min(most, this.uncredited)
    this.uncredited -= credited
    this.stream.credit(credited)
  }
}

async function open(both: [Node, Node]): Promise<[End, End][]> {
  const pairs: [End, End][] = []
  for (let i = 0; i < STREAMS; i++) {
    // Opened by either side.
    const [opener, accepter] = i % 2 === 0 ? both : [both[1], both[0]]
    const ours = await opener.muxer.createStream()
    await settle(both[0].duct)
    const theirs = accepter.accepted.at(-1) as YamuxStream
    const ends: [YamuxStream, YamuxStream] = i % 2 === 0 ? [ours, theirs] : [theirs, ours]
    pairs.push([new End(ends[0], 2 * i), new End(ends[1], 2 * i + 1)])
  }
  return pairs
}

function take(step: Step, both: [Node, Node], pairs: [End, End][]): void {
  if (step.kind === 'move') {
    both[step.side]!.duct.move(Math.min(step.bytes, 500 * step.piece), step.piece)
    return
  }
  const end = pairs[step.stream]![step.side]!
  if (step.kind === 'reset') return end.stream.abort(new Error('reset'))
  if (step.kind === 'credit') return end.credit(step.bytes)
  if (step.kind === 'finish') end.ending = true
  else if (!end.ending) end.wanted += step.bytes
  end.pump()
}

/** Reads everything until nothing comes any more. */
async function drain(both: [Node, Node], pairs: [End, End][]): Promise<void> {
  for (let before = -1; ;) {
    await settle(both[0].duct)
    const ends = pairs.flat()
    for (const end of ends) end.credit(Infinity)
    const now = ends.reduce((sum, { read, written }) => sum + read + written, 0)
    if (now === before) return
    before = now
  }
}

it('loses nothing, keeps to its windows and tells of every end, whatever is written, read and cut in whichever order', async () => {
  let windowsUsedUp = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 50, maxLength: 120 }), fc.nat(100), async (steps, lagMs) => {
      let now = 0
      const both = nodes({ maxStreamWindowBytes: MOST_WINDOW, nowMs: () => now }, 100_000)
      const pairs = await open(both)
      for (const [i, step] of steps.entries()) {
        now += lagMs / 10
        take(step, both, pairs)
        if (i % 8 === 0) await tick()
      }
      await drain(both, pairs)
      for (const end of pairs.flat()) {
        // Whoever waited was told.
        if (!end.closed) expect(end.written).toBe(end.wanted)
        end.ending = true
        end.pump()
      }
      await drain(both, pairs)

      for (const [a, b] of pairs) {
        expect([a.wrong, b.wrong]).toEqual([false, false])
        expect([a.closed === undefined, b.closed === undefined]).toEqual([false, false])
        const reset = a.closed?.error ?? b.closed?.error
        if (Math.max(a.read, b.read) > WINDOW) windowsUsedUp++
        if (reset !== undefined) continue
        expect([a.read, b.read]).toEqual([b.wanted, a.wanted])
        expect([a.told, b.told]).toEqual([['end'], ['end']])
      }
      expect(both.map(({ muxer, connection }) => [muxer.streams.length, connection.status])).toEqual([
        [0, 'open'],
        [0, 'open']
      ])
    }),
    { numRuns: 30 }
  )
  expect(windowsUsedUp).toBeGreaterThan(10)
})

it('survives, or ends, whatever bytes come', async () => {
  const { RawPeer } = await import('./raw-peer.ts')
  const frame = fc.record({
    type: fc.oneof(fc.nat(3), fc.constant(0), fc.nat(255)),
    flags: fc.oneof(fc.nat(15), fc.constant(0), fc.nat(65_535)),
    stream: fc.oneof(fc.nat(9), fc.nat()),
    length: fc.oneof(fc.nat(20), fc.constant(0), fc.nat(0xffff_ffff)),
    payload: fc.uint8Array({ maxLength: 30 })
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(frame, { maxLength: 40 }),
      fc.integer({ min: 1, max: 40 }),
      async (frames, piece) => {
        const peer = new RawPeer({ maxInboundStreams: 3 })
        for (const { type, flags, stream, length, payload } of frames) {
          peer.write(type, flags, stream, length, type === 0 ? payload : undefined)
          peer.push(piece)
        }
        await peer.settle()
        const { connection, muxer, duct } = peer.listener
        expect(muxer.streams.length).toBeLessThanOrEqual(3)
        if (connection.status === 'open') expect(muxer.status).toBe('open')
        else expect(muxer).toMatchObject({ status: 'closed', streams: [] })
        expect(duct.over).toBe(connection.status === 'aborted')
      }
    ),
    { numRuns: 150 }
  )
})

import { describe, expect, it } from 'vitest'
import { settle } from './memory-duct.ts'
import { nodes, read, Recorder, stream, type Node } from './raw-peer.ts'
import type { YamuxStream } from '../../../../../app/main/relay/fast/yamux/stream.ts'

const KiB = 1024
const WINDOW = 256 * KiB

interface Joined {
  both: [Node, Node]
  ours: YamuxStream
  theirs: YamuxStream
  mine: Recorder
  other: Recorder
}

async function joined(fullBytes?: number): Promise<Joined> {
  const both = nodes({}, fullBytes)
  const [ours, theirs] = await stream(both)
  const [mine, other] = [new Recorder(), new Recorder()]
  ours.join(mine)
  theirs.join(other)
  return { both, ours, theirs, mine, other }
}

describe('joined to a sink', () => {
  it('hands over bytes, then the end, then the close, and no events', async () => {
    const { both, ours, theirs, mine, other } = await joined()
    let messages = 0
    theirs.addEventListener('message', () => messages++)
    ours.write(Buffer.from('hello'))
    await ours.finish()
    await settle(both[0].duct)
    expect(other.told).toEqual(['hello', 'end'])
    theirs.write(Buffer.from('bye'))
    await theirs.finish()
    await settle(both[0].duct)
    expect(other.told).toEqual(['hello', 'end', 'close'])
    expect(mine.told).toEqual(['bye', 'end', 'close'])
    expect([messages, ours.status, theirs.status]).toEqual([0, 'closed', 'closed'])
  })

  it('hands over first what had come before', async () => {
    const both = nodes()
    const [ours, theirs] = await stream(both)
    ours.send(Buffer.from('first'))
    ours.send(Buffer.from('second'))
    await settle(both[0].duct)
    const other = new Recorder()
    theirs.join(other)
    ours.send(Buffer.from('third'))
    await settle(both[0].duct)
    expect(other.told.join(' ')).toMatch(/^first ?second third$/)
  })

  it('tells of an end and a close that had come before', async () => {
    const both = nodes()
    const [ours, theirs] = await stream(both)
    ours.send(Buffer.from('all'))
    await ours.close()
    await settle(both[0].duct)
    await theirs.close()
    await settle(both[0].duct)
    const other = new Recorder()
    theirs.join(other)
    expect(other.told).toEqual(['all', 'end', 'close'])
  })

  it.each([
    ['what the sink left', 3],
    ['nothing, where the sink took all', 5]
  ])('parts, and hands over to its events %s, and what comes later', async (_what, taken) => {
    const { both, ours, theirs, other } = await joined()
    other.onBytes = bytes => {
      theirs.credit(taken)
      theirs.part(bytes.subarray(taken))
    }
    ours.write(Buffer.from('hello'))
    await settle(both[0].duct)
    const seen = read(theirs)
    ours.write(Buffer.from(' later'))
    await ours.finish()
    await settle(both[0].duct)
    expect(seen).toMatchObject({ text: `${'hello'.slice(taken)} later`, ended: true })
    expect(other.told).toEqual([])
  })

  it('gives the window back for what came before and after it parted', async () => {
    const { both, ours, theirs, other } = await joined()
    other.onBytes = bytes => theirs.part(bytes)
    ours.write(Buffer.alloc(64 * KiB))
    await settle(both[0].duct)
    const seen = read(theirs)
    await settle(both[0].duct)
    for (let sent = 64 * KiB; sent < 4 * WINDOW; sent += 64 * KiB) {
      expect(ours.sendable).toBeGreaterThanOrEqual(64 * KiB)
      ours.write(Buffer.alloc(64 * KiB))
      await settle(both[0].duct)
    }
    expect(seen.bytes).toBe(4 * WINDOW)
  })

  it('tells of a reset that had come before', async () => {
    const both = nodes()
    const [ours, theirs] = await stream(both)
    ours.abort(new Error('no'))
    await settle(both[0].duct)
    const other = new Recorder()
    theirs.join(other)
    expect(other.told).toEqual(['close: StreamResetError'])
    expect(theirs.sendable).toBe(0)
    await expect(theirs.finish()).rejects.toMatchObject({ name: 'StreamResetError' })
  })

  it('sends first what was sent before, and tells when there is room again', async () => {
    const both = nodes()
    const [ours, theirs] = await stream(both)
    const other = new Recorder()
    theirs.join(other)
    ours.send(Buffer.alloc(WINDOW + 5))
    const mine = new Recorder()
    ours.join(mine)
    expect(ours.sendable).toBe(0)
    await settle(both[0].duct)
    expect(mine.told).toEqual([])
    theirs.credit(other.bytes)
    await settle(both[0].duct)
    expect(mine.told).toEqual(['writable'])
    expect(ours.sendable).toBeGreaterThan(0)
    ours.write(Buffer.from('then'))
    await settle(both[0].duct)
    expect(other.bytes).toBe(WINDOW + 9)
    expect(other.told.at(-1)).toBe('then')
  })

  it('takes one window, then no more until it is credited', async () => {
    const { both, ours, theirs, mine, other } = await joined()
    let sent = 0
    const pump = (): void => {
      for (let room; (room = ours.sendable) > 0; sent += room) ours.write(Buffer.alloc(room))
    }
    mine.onWritable = pump
    pump()
    await settle(both[0].duct)
    expect([sent, other.bytes]).toEqual([WINDOW, WINDOW])
    theirs.credit(WINDOW / 4 - 1)
    await settle(both[0].duct)
    expect(sent).toBe(WINDOW)
    theirs.credit(1)
    await settle(both[0].duct)
    expect([sent, other.bytes]).toEqual([1.25 * WINDOW, 1.25 * WINDOW])
    expect(() => ours.write(Buffer.alloc(1))).toThrow(RangeError)
  })

  it.each([
    ['the window', 512 * KiB],
    ['the connection', 64 * KiB]
  ])('tells a writer that has filled %s, and not looked again', async (_, fullBytes) => {
    const { both, ours, theirs, mine, other } = await joined(fullBytes)
    ours.write(Buffer.alloc(WINDOW))
    await settle(both[0].duct)
    theirs.credit(other.bytes)
    await settle(both[0].duct)
    expect(mine.told).toEqual(['writable'])
  })

  it('takes as much as the connection does, and each in its turn', async () => {
    const both = nodes({}, 64 * KiB)
    const sent = [0, 0, 0, 0]
    const pairs = []
    while (pairs.length < sent.length) pairs.push(await stream(both))
    for (const [i, [ours, theirs]] of pairs.entries()) {
      const mine = new Recorder()
      const other = new Recorder()
      const onBytes = other.onBytes.bind(other)
      other.onBytes = bytes => {
        onBytes(bytes)
        theirs.credit(bytes.byteLength)
      }
      theirs.join(other)
      mine.onWritable = () => {
        const room = ours.sendable
        if (room === 0 || sent[i]! >= 1024 * KiB) return
        ours.write(Buffer.alloc(room))
        sent[i]! += room
        mine.onWritable()
      }
      ours.join(mine)
      mine.onWritable()
    }
    expect(both[0].duct.waitingBytes).toBeLessThan(256 * KiB)
    expect(sent.slice(1)).toEqual([0, 0, 0])
    for (let i = 0; i < 7; i++) both[0].duct.move(128 * KiB)
    for (const bytes of sent) expect(bytes).toBeGreaterThan(0)
    await settle(both[0].duct)
    for (const bytes of sent) expect(bytes).toBeGreaterThanOrEqual(1024 * KiB)
  })

  it.each([
    ['fills 100 ms of a way with 100 Mbit/s', 100, 12_500_000 / 10, 1792 * KiB],
    ['keeps its first window on a short way', 1, 0, WINDOW]
  ])('%s', async (_, rttMs, leastPerTrip, mostPerTrip) => {
    let now = 0
    const both = nodes({ maxStreamWindowBytes: 1792 * KiB, nowMs: () => now }, 8 * 1024 * KiB)
    const [ours, theirs] = await stream(both)
    const mine = new Recorder()
    mine.onWritable = () => {
      for (let room; (room = ours.sendable) > 0;) ours.write(Buffer.alloc(room))
    }
    let trip = 0
    const other = new Recorder()
    other.onBytes = bytes => {
      trip += bytes.byteLength
      theirs.credit(bytes.byteLength)
    }
    ours.join(mine)
    theirs.join(other)
    mine.onWritable()
    for (let trips = 0; trips < 10; trips++) {
      trip = 0
      now += rttMs / 2
      both[0].duct.move()
      now += rttMs / 2
      both[1].duct.move()
    }
    expect(trip).toBeGreaterThanOrEqual(leastPerTrip)
    expect(trip).toBeLessThanOrEqual(mostPerTrip)
  })

  it.each<[string, (all: Joined) => void, string, string]>([
    ['our abort', ({ ours }) => ours.abort(new Error('enough')), 'Error', 'StreamResetError'],
    ['their abort', ({ theirs }) => theirs.abort(new Error('enough')), 'StreamResetError', 'Error']
  ])('tells of %s with an error, once', async (_, end, ourError, theirError) => {
    const all = await joined()
    const { both, ours, mine, other } = all
    end(all)
    await settle(both[0].duct)
    ours.abort(new Error('again'))
    both[0].muxer.abort(new Error('again'))
    expect(mine.told).toEqual([`close: ${ourError}`])
    expect(other.told).toEqual([`close: ${theirError}`])
    await expect(ours.finish()).rejects.toMatchObject({ name: ourError })
    ours.write(Buffer.from('nobody'))
  })

  it('tells of the loss of the connection without an error, once', async () => {
    const { both, ours, mine, other } = await joined()
    both[0].duct.destroy()
    await settle(both[0].duct)
    both[0].muxer.abort(new Error('again'))
    expect(mine.told).toEqual(['close'])
    expect(other.told).toEqual(['close'])
    await expect(ours.finish()).rejects.toMatchObject({ name: 'ConnectionClosedError' })
  })

  it('can be ended by its sink at any time', async () => {
    for (const when of ['onBytes', 'onEnd'] as const) {
      const both = nodes()
      const [ours, theirs] = await stream(both)
      ours.send(Buffer.from('a'))
      ours.send(Buffer.alloc(100))
      await ours.close()
      await settle(both[0].duct)
      const other = new Recorder()
      other[when] = () => theirs.abort(new Error('enough'))
      theirs.join(other)
      expect(other.told.filter(told => told.startsWith('close'))).toEqual(['close: Error'])
      await settle(both[0].duct)
      expect(ours.status).toBe('reset')
    }
  })

  it('tells of a reset behind an end', async () => {
    const { both, ours, theirs, other } = await joined()
    await ours.finish()
    await settle(both[0].duct)
    ours.abort(new Error('no more'))
    await settle(both[0].duct)
    expect(other.told).toEqual(['end', 'close: StreamResetError'])
    expect(theirs.status).toBe('reset')
  })
})

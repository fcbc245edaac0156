import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, expect, it, vi } from 'vitest'
import { Inflow } from '../../../app/main/relay/quic/inflow.ts'
import type { NativeStream } from '../../../app/main/relay/quic/native.ts'
import { Outflow } from '../../../app/main/relay/quic/outflow.ts'

/** The engine's stream, whose reads and writes end when the test says so: a real one cannot be held at that moment. */
class HeldStream implements NativeStream {
  readonly reads: { room: number; end: PromiseWithResolvers<Uint8Array | null> }[] = []
  readonly writes: { data: Uint8Array; text: string; end: PromiseWithResolvers<void> }[] = []

  id = (): string => '0'
  async finishWrite(): Promise<void> {}
  async resetWrite(): Promise<void> {}
  async stopRead(): Promise<void> {}

  async read(room: number): Promise<Uint8Array | null> {
    const end = Promise.withResolvers<Uint8Array | null>()
    this.reads.push({ room, end })
    return end.promise
  }

  async write(data: Uint8Array): Promise<void> {
    const end = Promise.withResolvers<void>()
    this.writes.push({ data, text: Buffer.from(data).toString(), end })
    return end.promise
  }
}

const PAGE_BYTES = 128 * 1024

function outflow() {
  const native = new HeldStream()
  const events = { writable: vi.fn(), failed: vi.fn() }
  return { native, events, out: new Outflow(native, events) }
}

function inflow() {
  const native = new HeldStream()
  const received: number[] = []
  const events = {
    bytes: (chunk: Uint8Array) => void received.push(chunk.byteLength),
    ended: vi.fn(),
    failed: vi.fn()
  }
  const flow = new Inflow(native, events)
  const arrives = async (bytes: number): Promise<void> => {
    native.reads.at(-1)?.end.resolve(new Uint8Array(bytes))
    await Promise.resolve()
    await Promise.resolve()
  }
  return { native, events, flow, received, arrives }
}

const rooms = ({ reads }: HeldStream): number[] => reads.map(({ room }) => room)

afterEach(() => void vi.useRealTimers())

it('writes at once what was written within a turn, and while a write is under way', async () => {
  const { native, out } = outflow()
  for (const piece of ['a', 'b', 'c']) out.write(Buffer.from(piece))
  expect(native.writes).toEqual([])
  await turn()
  for (const piece of ['d', 'e']) out.write(Buffer.from(piece))
  await turn()
  expect(native.writes.map(({ text }) => text)).toEqual(['abc'])
  native.writes[0]?.end.resolve()
  await turn()
  expect(native.writes.map(({ text }) => text)).toEqual(['abc', 'de'])
})

it('does not touch what the engine is still writing', async () => {
  const { native, out } = outflow()
  const others = Array.from({ length: 3 }, () => outflow())
  out.write(Buffer.from('first'))
  await turn()
  out.end(new Error('reset'))
  for (const other of others) {
    out.write(Buffer.from('later'))
    other.out.write(Buffer.from('other'))
  }
  await turn()
  expect(Buffer.from(native.writes[0]?.data ?? []).toString()).toBe('first')
  expect(native.writes).toHaveLength(1)
})

it('takes one page beside the one under way, and says when it takes more', async () => {
  const { native, events, out } = outflow()
  out.write(new Uint8Array(PAGE_BYTES))
  expect(native.writes).toHaveLength(1)
  expect(out.sendable).toBe(PAGE_BYTES)
  out.write(new Uint8Array(PAGE_BYTES))
  expect(out.sendable).toBe(0)
  await turn()
  expect(events.writable).not.toHaveBeenCalled()
  native.writes[0]?.end.resolve()
  await turn()
  expect(events.writable).toHaveBeenCalledOnce()
  expect(out.sendable).toBe(PAGE_BYTES)
})

it('sends a page that is full at once, also where a turn has begun to fill it', async () => {
  const { native, events, out } = outflow()
  out.write(new Uint8Array(PAGE_BYTES - 1))
  out.write(new Uint8Array(1))
  expect(native.writes).toHaveLength(1)
  expect(out.sendable).toBe(PAGE_BYTES)
  await turn()
  expect(native.writes).toHaveLength(1)
  expect(events.writable).not.toHaveBeenCalled()
})

it('has flushed when flow control took all, and not when the stream ends before', async () => {
  const { native, out } = outflow()
  await out.flushed()
  out.write(Buffer.from('a'))
  const flushed = out.flushed()
  await turn()
  out.write(Buffer.from('b'))
  native.writes[0]?.end.resolve()
  await turn()
  native.writes[1]?.end.resolve()
  await flushed
  out.write(Buffer.from('c'))
  const cut = expect(out.flushed()).rejects.toThrow('reset')
  out.end(new Error('reset'))
  await cut
  await expect(out.flushed()).rejects.toThrow()
})

it('tells of a write that failed, but not after the end', async () => {
  const [one, other] = [outflow(), outflow()]
  for (const { out } of [one, other]) out.write(Buffer.from('a'))
  await turn()
  other.out.end(new Error('reset'))
  for (const { native } of [one, other]) native.writes[0]?.end.reject(new Error('stopped by peer'))
  await turn()
  expect(one.events.failed).toHaveBeenCalledOnce()
  expect(other.events.failed).not.toHaveBeenCalled()
  expect(other.out.underWay).toBe(undefined)
})

it('makes as much room for a read as the one before would have needed', async () => {
  const { native, flow, arrives } = inflow()
  flow.go()
  for (const bytes of [4096, 10_000, 20_000, 6000, 100]) {
    await arrives(bytes)
    flow.credit(bytes)
  }
  expect(rooms(native)).toEqual([4096, 16_384, 20_000, 65_536, 32_768, 4096])
})

it('reads no more than a bound that nobody has credited, but for a byte a second', async () => {
  vi.useFakeTimers()
  const { native, flow, arrives } = inflow()
  flow.go()
  flow.debit(65_536)
  await arrives(4096)
  expect(native.reads).toHaveLength(1)
  vi.advanceTimersByTime(999)
  expect(native.reads).toHaveLength(1)
  vi.advanceTimersByTime(1)
  await arrives(1)
  vi.advanceTimersByTime(1000)
  expect(rooms(native)).toEqual([4096, 1, 1])
  flow.credit(65_536)
  await arrives(1)
  expect(rooms(native)).toEqual([4096, 1, 1, 4096])
  flow.stop()
})

it('reads nothing more after the end, nor when it was stopped', async () => {
  const { native, events, flow } = inflow()
  flow.go()
  native.reads[0]?.end.resolve(null)
  await turn()
  flow.resume()
  flow.credit(0)
  expect(events.ended).toHaveBeenCalledOnce()
  expect(native.reads).toHaveLength(1)

  const other = inflow()
  other.flow.go()
  other.flow.stop()
  await other.arrives(10)
  expect(other.received).toEqual([])
})

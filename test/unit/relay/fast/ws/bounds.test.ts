import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { WebSocketEnd } from '../../../../../app/main/observe/events.ts'
import { WsBounds } from '../../../../../app/main/relay/fast/ws/bounds.ts'
import { WsDuct } from '../../../../../app/main/relay/fast/ws/duct.ts'
import { closeFrame, pingFrame } from '../../../../../app/main/relay/fast/ws/frames.ts'
import { Heard, MemoryRaw } from './memory-raw.ts'

const NO_KEY = Buffer.alloc(4)
const PONG = Buffer.concat([Buffer.from([0x8a, 0x80]), NO_KEY])
const IDLE_SECONDS = 60
/** It is looked four times in that time, so that it may take a quarter longer. */
const PRECISION_SECONDS = IDLE_SECONDS / 4

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())
const wait = (seconds: number): void => void vi.advanceTimersByTime(seconds * 1000)

function setup({ maxMessageBytes = 1000 } = {}) {
  const ends: WebSocketEnd[] = []
  const bounds = new WsBounds(
    { ended: reason => ends.push(reason) },
    { maxMessageBytes, idleSeconds: IDLE_SECONDS }
  )
  const open = () => {
    const raw = new MemoryRaw()
    const duct = new WsDuct(raw, 'server', bounds)
    const heard = new Heard()
    duct.reader = heard
    duct.resume()
    return { raw, duct, heard }
  }
  return { bounds, ends, open }
}

describe('a WebSocket that is silent', () => {
  it('is pinged after its time, and ended after as long again', () => {
    const { ends, open } = setup()
    const { raw, heard } = open()
    wait(IDLE_SECONDS - 1)
    expect(raw.takeSent().byteLength).toBe(0)
    wait(1 + PRECISION_SECONDS)
    expect(raw.takeSent().equals(pingFrame())).toBe(true)
    expect(ends).toEqual([])
    wait(IDLE_SECONDS)
    expect(raw.takeSent().equals(closeFrame(1001))).toBe(true)
    expect([ends, raw.ended]).toEqual([['idle'], true])
    expect(heard.closed.map(error => error?.message)).toEqual([
      'the other side is silent, and answers no pings'
    ])
    wait(2)
    expect(raw.over).toBe(true)
  })

  it('lives as long as it answers', () => {
    const { ends, open } = setup()
    const { raw } = open()
    for (let i = 0; i < 10; i++) {
      wait(IDLE_SECONDS + PRECISION_SECONDS)
      expect(raw.takeSent().equals(pingFrame())).toBe(true)
      raw.arrive(PONG)
    }
    expect(ends).toEqual([])
  })

  it('is not pinged while a single byte of it comes now and then', () => {
    const { ends, open } = setup()
    const { raw } = open()
    for (let i = 0; i < 6; i++) {
      raw.arrive(PONG.subarray(i, i + 1))
      wait(IDLE_SECONDS - 1)
    }
    expect([raw.sent.byteLength, ends]).toEqual([0, []])
  })

  it('is not pinged while we do not read it, nor while it reads what waits for it', () => {
    const { ends, open } = setup()
    const [paused, slow] = [open(), open()]
    paused.duct.pause()
    slow.duct.pause()
    slow.raw.full = true
    for (let i = 0; i < 20; i++) {
      wait(IDLE_SECONDS / 2)
      slow.raw.reader?.onDrain()
    }
    expect([paused.raw.sent.byteLength, slow.raw.sent.byteLength, ends]).toEqual([0, 0, []])
  })

  it('is ended though we do not read it, where that is because it does not read', () => {
    const { ends, open } = setup()
    const { raw, duct } = open()
    duct.pause()
    raw.full = true
    wait(IDLE_SECONDS + PRECISION_SECONDS)
    expect([raw.sent.byteLength, ends]).toEqual([0, []])
    wait(IDLE_SECONDS)
    expect(ends).toEqual(['idle'])
  })

  it('is judged by a new time from when that is set', () => {
    const { bounds, ends, open } = setup()
    open()
    wait(IDLE_SECONDS / 2 + 1)
    bounds.setIdleSeconds(8)
    wait(20)
    expect(ends).toEqual(['idle'])
  })

  it('costs one timer, however many there are, and none where there are none', () => {
    const { open } = setup()
    const before = vi.getTimerCount()
    const ducts = Array.from({ length: 100 }, () => open())
    expect(vi.getTimerCount() - before).toBe(1)
    for (const { duct } of ducts) duct.destroy()
    expect(vi.getTimerCount()).toBe(before)
    const { duct } = open()
    expect(vi.getTimerCount() - before).toBe(1)
    duct.destroy()
  })
})

describe('a WebSocket that breaks its bounds', () => {
  const binary = (bytes: number, first = 0x82): Buffer =>
    Buffer.concat([Buffer.from([first, 0xfe, bytes >> 8, bytes & 255]), NO_KEY])

  it('is closed as soon as a message is announced that is too big', () => {
    const { ends, open } = setup()
    const { raw, heard } = open()
    raw.arrive(Buffer.concat([binary(1000), Buffer.alloc(1000)]))
    expect([ends, heard.bytes.byteLength]).toEqual([[], 1000])
    raw.arrive(binary(1001))
    expect([ends, raw.sent.equals(closeFrame(1009))]).toEqual([['too-big'], true])
    expect(heard.closed.map(error => error?.message)).toEqual(['a message of more than 1000 bytes'])
  })

  it('is closed for a message that is too big in fragments, however small they are', () => {
    const { ends, open } = setup()
    const { raw } = open()
    const fragment = Buffer.concat([binary(100, 0x00), Buffer.alloc(100)])
    raw.arrive(Buffer.concat([binary(100, 0x02), Buffer.alloc(100)]))
    for (let i = 0; i < 9; i++) raw.arrive(fragment)
    expect(ends).toEqual([])
    raw.arrive(fragment)
    expect(ends).toEqual(['too-big'])
  })

  it('may send any number of messages within them', () => {
    const { ends, open } = setup()
    const { raw, heard } = open()
    for (let i = 0; i < 100; i++) {
      raw.arrive(Buffer.concat([binary(500, 0x02), Buffer.alloc(500), binary(500, 0x80), Buffer.alloc(500)]))
    }
    expect([ends, heard.bytes.byteLength]).toEqual([[], 100_000])
  })

  it('is counted once for what is no WebSocket', () => {
    const { ends, open } = setup()
    const { raw } = open()
    raw.arrive(Buffer.from('\x82\x05hello\x82\x05hello', 'latin1'))
    wait(1000)
    expect(ends).toEqual(['protocol'])
  })
})

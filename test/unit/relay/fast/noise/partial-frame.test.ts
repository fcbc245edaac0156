import { expect, it } from 'vitest'
import type { Page } from '../../../../../app/main/relay/fast/duct.ts'
import { PartialFrame } from '../../../../../app/main/relay/fast/noise/partial-frame.ts'
import { PAGE_BYTES, pages } from '../../../../../app/main/relay/fast/pages.ts'

/** Makes this the only page that is free. */
function onePage(): Page {
  pages.clear()
  const page = pages.take()
  page.release()
  return page
}

it('gives back what was added, however much at a time', () => {
  const bytes = Buffer.from(Array.from({ length: 65_537 }, (_, at) => at % 251))
  for (const step of [1_000, 20_000, 40_000, 65_000]) {
    const partial = new PartialFrame()
    let at = 0
    for (; at + step < bytes.byteLength; at += step) partial.add(bytes.subarray(at, at + step))
    expect(partial.byteLength).toBe(at)
    expect([partial.at(0), partial.at(1)]).toEqual([0, 1])
    const page = partial.complete(bytes.subarray(at))
    expect(page.bytes.subarray(0, bytes.byteLength).equals(bytes)).toBe(true)
    expect(partial.byteLength).toBe(0)
    page.release()
  }
})

it('reads a length that came byte by byte', () => {
  const partial = new PartialFrame()
  partial.add(Buffer.of(7))
  partial.add(Buffer.of(8))
  expect([partial.at(0), partial.at(1)]).toEqual([7, 8])
})

it('takes no page for little, and one for much', () => {
  const page = onePage()
  const partial = new PartialFrame()
  partial.add(Buffer.alloc(20_000))
  expect(pages.take()).toBe(page)
  page.release()
  partial.add(Buffer.alloc(20_000))
  expect(pages.take()).not.toBe(page)
  expect(PAGE_BYTES).toBeLessThanOrEqual(4 * 40_000)
})

it('gives its page back when it is cleared', () => {
  const page = onePage()
  const partial = new PartialFrame()
  partial.add(Buffer.alloc(40_000))
  partial.clear()
  expect(partial.byteLength).toBe(0)
  expect(pages.take()).toBe(page)
})

it('keeps what comes byte by byte in about as many bytes', () => {
  const partial = new PartialFrame()
  const byte = Buffer.of(7)
  const before = process.memoryUsage().heapUsed
  for (let at = 0; at < 30_000; at++) partial.add(byte)
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(2 * 1024 * 1024)
  const page = partial.complete(byte)
  expect(page.bytes.subarray(0, 30_001).equals(Buffer.alloc(30_001, 7))).toBe(true)
  page.release()
})

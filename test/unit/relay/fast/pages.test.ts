import { memoryUsage } from 'node:process'
import { expect, it } from 'vitest'
import { PAGE_BYTES, Pages } from '../../../../app/main/relay/fast/pages.ts'

/** Of many, so many are kept for the next use. */
const KEPT = 64

it('keeps some pages for the next use, and frees the others at once', () => {
  const pages = new Pages()
  const before = memoryUsage().arrayBuffers
  const taken = Array.from({ length: 4 * KEPT }, () => pages.take())
  expect(memoryUsage().arrayBuffers - before).toBeGreaterThanOrEqual(taken.length * PAGE_BYTES)

  for (const page of taken) page.release()
  expect(memoryUsage().arrayBuffers - before).toBeLessThan((KEPT + 4) * PAGE_BYTES)

  const again = Array.from({ length: KEPT }, () => pages.take())
  expect(again.every(page => taken.includes(page) && page.bytes.byteLength === PAGE_BYTES)).toBe(true)
  expect(taken).not.toContain(pages.take())
})

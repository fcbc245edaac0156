import { expect, it } from 'vitest'
import { ReceiveWindow } from '../../../../../app/main/relay/fast/yamux/window.ts'

const KiB = 1024
const MOST = 1792 * KiB

/** Reads half a window. */
function pass(window: ReceiveWindow, bytes = window.bytes / 2): void {
  expect(window.take(bytes)).toBe(true)
  window.arrived(bytes)
  window.credit(bytes)
}

it('lets the sender send one window, and not a byte more', () => {
  const window = new ReceiveWindow(MOST)
  expect(window.take(256 * KiB)).toBe(true)
  expect(window.take(1)).toBe(false)
})

it('says that more can come when a quarter of a window was read', () => {
  const window = new ReceiveWindow(MOST)
  pass(window, 64 * KiB - 1)
  expect(window.due).toBe(false)
  pass(window, 1)
  expect(window.due).toBe(true)
  expect(window.open(0, -1)).toBe(64 * KiB)
  expect(window.due).toBe(false)
  expect(window.take(256 * KiB + 1)).toBe(false)
  expect(window.take(256 * KiB)).toBe(true)
})

it('credits no more than has come', () => {
  const window = new ReceiveWindow(MOST)
  window.take(1000)
  window.arrived(1000)
  window.credit(5000)
  expect(window.open(0, -1)).toBe(1000)
})

it('doubles on a long way until 100 Mbit/s fit into 100 ms, and never grows beyond the most', () => {
  const window = new ReceiveWindow(MOST)
  const sizes = []
  for (let ms = 0; ms < 1000; ms += 100) {
    pass(window)
    window.open(ms, 100)
    sizes.push(window.bytes / KiB)
  }
  expect(sizes.slice(0, 5)).toEqual([256, 512, 1024, 1792, 1792])
  expect(sizes.at(-1)).toBe(1792)
})

it.each([
  ['the round trip is not known', -1, 0.1],
  ['the way is short', 0.5, 0.1],
  ['the reader is slow', 100, 250]
])('stays small where %s', (_, rttMs, everyMs) => {
  const window = new ReceiveWindow(MOST)
  for (let i = 0; i < 100; i++) {
    pass(window)
    window.open(i * everyMs, rttMs)
  }
  expect(window.bytes).toBe(256 * KiB)
})

it('is never smaller than the specification says', () => {
  const window = new ReceiveWindow(0)
  pass(window)
  expect(window.open(0, 100)).toBe(128 * KiB)
  pass(window)
  expect(window.open(1, 100)).toBe(128 * KiB)
  expect(window.bytes).toBe(256 * KiB)
})

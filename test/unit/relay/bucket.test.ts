import { describe, expect, it } from 'vitest'
import { TokenBucket } from '../../../app/main/relay/budget/bucket.ts'

const SECOND = 1000

/** Takes chunks as often as the bucket allows, from `start` to `end`: the bytes that passed. */
function drain(bucket: TokenBucket, start: number, end: number, chunk: number): number {
  let passed = 0
  for (let now = start; now < end;) {
    const wait = bucket.waitMs(now)
    if (wait > 0) {
      now += wait
      continue
    }
    bucket.take(chunk)
    passed += chunk
  }
  return passed
}

describe('a token bucket', () => {
  it.each([
    { rate: 10_000, chunk: 256 },
    { rate: 1_000_000, chunk: 10_000 },
    { rate: 1_000_000, chunk: 1 },
    { rate: 123_456_789, chunk: 65_536 }
  ])('passes $rate bytes a second over time, in chunks of $chunk', ({ rate, chunk }) => {
    const bucket = new TokenBucket(rate, 0)
    drain(bucket, 0, SECOND, chunk)
    const passed = drain(bucket, SECOND, 11 * SECOND, chunk)
    expect(passed / (10 * rate)).toBeGreaterThan(0.999 - chunk / rate)
    expect(passed / (10 * rate)).toBeLessThan(1.001 + chunk / rate)
  })

  it('lets a tenth of a second pass at once after a pause, however long', () => {
    const bucket = new TokenBucket(1_000_000, 0)
    expect(drain(bucket, 0, 1, 1000)).toBe(100_000)
    expect(drain(bucket, 3600 * SECOND, 3600 * SECOND + 1, 1000)).toBe(100_000)
  })

  it('gives nothing while it is in debt', () => {
    const bucket = new TokenBucket(1000, 0)
    bucket.take(5000)
    expect(bucket.waitMs(0)).toBe(3977)
    expect(bucket.waitMs(3976)).toBeGreaterThan(0)
    expect(bucket.waitMs(3977)).toBe(0)
  })

  it('never asks to wait for nothing', () => {
    const bucket = new TokenBucket(1e9, 0)
    bucket.take(100_000_001)
    expect(bucket.waitMs(0)).toBe(1)
  })

  it('passes anything while no rate is set', () => {
    const bucket = new TokenBucket(Infinity, 0)
    bucket.take(1e12)
    expect(bucket.waitMs(0)).toBe(0)
    expect(bucket.limited).toBe(false)
  })

  it('waits for ever at a rate of nothing, until the rate is raised', () => {
    const bucket = new TokenBucket(0, 0)
    bucket.take(2000)
    expect(bucket.waitMs(10)).toBe(Infinity)
    bucket.setRate(1000, 10)
    expect(bucket.waitMs(11)).toBe(0)
  })

  it('takes a new rate from its moment on', () => {
    const bucket = new TokenBucket(1_000_000, 0)
    drain(bucket, 0, SECOND, 1000)
    bucket.setRate(10_000, SECOND)
    expect(drain(bucket, SECOND, 2 * SECOND, 100)).toBeLessThanOrEqual(10_000 + 1024 + 100)
    bucket.setRate(500_000, 2 * SECOND)
    const passed = drain(bucket, 2 * SECOND, 3 * SECOND, 1000)
    expect(passed).toBeGreaterThan(495_000)
    expect(passed).toBeLessThanOrEqual(501_000)
  })

  it('starts empty when a rate is set where there was none', () => {
    const bucket = new TokenBucket(Infinity, 0)
    bucket.setRate(1000, 0)
    expect(drain(bucket, 0, SECOND, 1)).toBeLessThanOrEqual(1000)
  })

  it('forgets debt when the rate is raised, so that a raise is felt at once', () => {
    const bucket = new TokenBucket(10, 0)
    bucket.take(10_000)
    bucket.setRate(1_000_000, 0)
    expect(bucket.waitMs(1)).toBe(0)
  })

  it('keeps its debt when the same rate is set again', () => {
    const bucket = new TokenBucket(1000, 0)
    bucket.take(5000)
    bucket.setRate(1000, 0)
    expect(bucket.waitMs(0)).toBe(3977)
  })

  it('loses none of the time by which it is asked late', () => {
    const bucket = new TokenBucket(1_000_000, 0)
    bucket.take(100_001)
    expect(bucket.waitMs(0)).toBe(1)
    expect(bucket.waitMs(401, 400)).toBe(0)
    expect(drain(bucket, 401, 402, 1000)).toBe(400_000)
  })

  it('counts no time twice when it is asked about an earlier moment', () => {
    const bucket = new TokenBucket(1000, 0)
    bucket.take(5024)
    for (let now = 100; now <= 1000; now += 100) {
      bucket.waitMs(now)
      bucket.waitMs(now - 100)
    }
    // 4000 bytes of debt, one second on.
    expect(bucket.waitMs(1000)).toBe(3001)
  })
})

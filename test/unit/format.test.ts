import { describe, expect, it } from 'vitest'
import { formatBytes, formatDuration, formatRate, shortPeerId } from '../../app/shared/format.ts'

describe('figures for people', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [104_857_600, '100 MiB'],
    [1_048_570, '1 MiB'],
    [2 ** 40, '1 TiB'],
    [2 ** 62, '4096 PiB']
  ])('shows %d bytes as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })

  it.each([
    [0, '0 B/s'],
    [999.4, '999 B/s'],
    [999.96, '1 kB/s'],
    [50_000, '50 kB/s'],
    [1_250_000, '1.3 MB/s'],
    [999_999, '1 MB/s'],
    [123_456_789, '123 MB/s']
  ])('shows %d bytes a second as %s', (rate, text) => {
    expect(formatRate(rate)).toBe(text)
  })

  it.each([
    [0, '0 s'],
    [2.34, '2.3 s'],
    [9.96, '10 s'],
    [59.6, '1 min'],
    [90, '1 min 30 s'],
    [3600, '1 h'],
    [3605, '1 h'],
    [5400, '1 h 30 min'],
    [90_061, '1 d 1 h']
  ])('shows %d seconds as %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text)
  })

  it('keeps the two ends of a peer id', () => {
    expect(shortPeerId('12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN')).toBe('12D3…x6nXTN')
    expect(shortPeerId('short')).toBe('short')
  })
})

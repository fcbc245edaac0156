import { afterAll, describe, expect, it, vi } from 'vitest'
import { bytes, duration, percent, rate } from '../../../app/renderer/text/format.ts'
import { languageOf } from '../../../app/renderer/text/language.ts'

// Whatever the machine speaks that runs the tests, and whatever an earlier file of this worker has loaded.
vi.hoisted(() => vi.resetModules().stubGlobal('navigator', { languages: ['en-US'] }))
afterAll(() => void vi.resetModules().unstubAllGlobals())

describe('figures for people', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_500, '1.5 kB'],
    [999_960, '1 MB'],
    [100_000_000_000, '100 GB'],
    [123_400_000, '123 MB']
  ])('%d bytes: %s', (value, expected) => {
    expect(bytes(value)).toBe(expected)
  })

  it.each([
    [1_250_000, '10 Mbit/s'],
    [0, '0 bit/s'],
    [125, '1 kbit/s'],
    [187_500, '1.5 Mbit/s']
  ])('%d bytes a second: %s', (value, expected) => {
    expect(rate(value)).toBe(expected)
  })

  it.each([
    [0, '0 s'],
    [59.6, '1 min'],
    [5_400, '1 h 30 min'],
    [86_405, '1 d']
  ])('%d seconds: %s', (value, expected) => {
    expect(duration(value)).toBe(expected)
  })

  it('keeps a digit of small shares', () => {
    expect(percent(0.012)).toBe('1.2%')
    expect(percent(0.5)).toBe('50%')
  })
})

describe('the language', () => {
  it('is the first of the system that there are texts for', () => {
    expect(languageOf(['fr-FR', 'de-AT', 'en'])).toBe('de')
    expect(languageOf(['en-GB', 'de'])).toBe('en')
  })

  it('is English for all others', () => {
    expect(languageOf(['ja', 'fr'])).toBe('en')
    expect(languageOf([])).toBe('en')
  })
})

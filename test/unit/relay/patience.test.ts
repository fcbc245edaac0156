import { describe, expect, it, vi } from 'vitest'
import { Patience } from '../../../app/main/relay/circuit/patience.ts'

const why = new Error('the other side has gone')

describe('patience', () => {
  it('ends after its time, and says so', () => {
    vi.useFakeTimers()
    const patience = new Patience(1000)
    const ended = vi.fn()
    patience.addEventListener('abort', ended)
    vi.advanceTimersByTime(999)
    expect([ended.mock.calls.length, patience.ranOut]).toEqual([0, false])
    vi.advanceTimersByTime(1)
    expect([ended.mock.calls.length, patience.ranOut]).toEqual([1, true])
    expect(() => patience.throwIfAborted()).toThrow('it took too long')
    vi.useRealTimers()
  })

  it('ends once, for the first reason, and tells only those who still listen', () => {
    const patience = new Patience(60_000)
    const [first, gone, last] = [vi.fn(), vi.fn(), vi.fn()]
    for (const listener of [first, gone, last]) patience.addEventListener('abort', listener)
    patience.removeEventListener('abort', gone)
    patience.end(why)
    patience.end(new Error('again'))
    expect([first, gone, last].map(({ mock }) => mock.calls.length)).toEqual([1, 0, 1])
    expect(patience.reason).toBe(why)
    expect(patience.ranOut).toBe(false)
    expect(() => patience.throwIfAborted()).toThrow(why)
  })

  it('never ends once it is done', () => {
    vi.useFakeTimers()
    const patience = new Patience(1000)
    patience.done()
    vi.advanceTimersByTime(5000)
    expect(patience.ranOut).toBe(false)
    patience.throwIfAborted()
    vi.useRealTimers()
  })

  it.each(['before', 'after'])('gives a signal that was asked for %s its end', when => {
    const patience = new Patience(60_000)
    const early = when === 'before' ? patience.signal : undefined
    early?.throwIfAborted()
    patience.end(why)
    expect(patience.signal).toMatchObject({ aborted: true, reason: why })
    expect(early ?? patience.signal).toBe(patience.signal)
  })
})

import { describe, expect, it } from 'vitest'
import { SignInCodes } from '../../../app/main/api/dashboard/sign-in-codes.ts'

function make() {
  const clock = { nowMs: Date.parse('2026-01-01') }
  return { clock, codes: new SignInCodes({ now: () => clock.nowMs }) }
}

describe('sign-in codes', () => {
  it('have 128 bits, and are never the same', () => {
    const { codes } = make()
    const issued = Array.from({ length: 1000 }, () => codes.issue().code)
    expect(new Set(issued).size).toBe(1000)
    for (const code of issued) expect(Buffer.from(code, 'base64url')).toHaveLength(16)
  })

  it('work once', () => {
    const { codes } = make()
    const { code } = codes.issue()
    expect([codes.redeem(code), codes.redeem(code)]).toEqual([true, false])
  })

  it('work for five minutes', () => {
    const { codes, clock } = make()
    const [early, late] = [codes.issue(), codes.issue()]
    clock.nowMs += 5 * 60_000 - 1
    expect(codes.redeem(early.code)).toBe(true)
    clock.nowMs += 1
    expect(codes.redeem(late.code)).toBe(false)
    expect(late.expiresAt.getTime()).toBe(clock.nowMs)
  })

  it('are not used up by what is none', () => {
    const { codes } = make()
    const { code } = codes.issue()
    for (const wrong of ['', 'x', `${code}x`, code.slice(1)]) expect(codes.redeem(wrong)).toBe(false)
    expect(codes.redeem(code)).toBe(true)
  })

  it('are kept few: a further one takes the place of the oldest', () => {
    const { codes } = make()
    const issued = Array.from({ length: 17 }, () => codes.issue().code)
    expect(codes.redeem(issued[0] ?? '')).toBe(false)
    expect(issued.slice(1).every(code => codes.redeem(code))).toBe(true)
  })
})

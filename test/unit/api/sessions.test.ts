import { describe, expect, it } from 'vitest'
import { Sessions } from '../../../app/main/api/dashboard/sessions.ts'

const DAY_MS = 86_400_000

function make(secret = 'secret') {
  const clock = { nowMs: Date.parse('2026-01-01') }
  return { clock, sessions: new Sessions({ now: () => clock.nowMs }, { secret }) }
}

describe('sessions', () => {
  it('are known by their cookie, and their key to the same session alone', () => {
    const { sessions } = make()
    const [one, other] = [sessions.create(), sessions.create()]

    expect(sessions.read(one.cookie)).toEqual({ id: one.id, expiresAt: one.expiresAt })
    expect(sessions.hasKey(one, one.key)).toBe(true)
    expect(sessions.hasKey(one, other.key)).toBe(false)
    expect(sessions.hasKey(one, '')).toBe(false)
  })

  it('have a key that their cookie does not hold', () => {
    const { cookie, key } = make().sessions.create()
    expect(cookie).not.toContain(key)
    expect(cookie.split('.')).not.toContain(key)
  })

  it('are known by whoever has the secret, and by nobody else', () => {
    const { cookie } = make().sessions.create()
    expect(make().sessions.read(cookie)).toBeDefined()
    expect(make('another').sessions.read(cookie)).toBeUndefined()
  })

  it('last 30 days', () => {
    const { sessions, clock } = make()
    const { cookie } = sessions.create()
    clock.nowMs += 30 * DAY_MS - 1000
    expect(sessions.read(cookie)).toBeDefined()
    clock.nowMs += 1000
    expect(sessions.read(cookie)).toBeUndefined()
  })

  it('end when they are ended, others go on, and who waits for the end is told', () => {
    const { sessions } = make()
    const [one, other] = [sessions.create(), sessions.create()]
    const told: string[] = []
    sessions.whenEnded(one, () => told.push('one'))
    sessions.whenEnded(other, () => told.push('other'))
    sessions.whenEnded(one, () => told.push('gone'))()

    sessions.end(one)

    expect(sessions.read(one.cookie)).toBeUndefined()
    expect(sessions.read(other.cookie)).toBeDefined()
    expect(told).toEqual(['one'])
  })

  it.each(['', '..', 'a.b.c', '__proto__', 'x'.repeat(10_000)])('are not what is none: %.20s', cookie => {
    expect(make().sessions.read(cookie)).toBeUndefined()
  })
})

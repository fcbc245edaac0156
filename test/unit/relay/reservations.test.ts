import { beforeEach, describe, expect, it } from 'vitest'
import { Reservations, type Reservation } from '../../../app/main/relay/circuit/reservations.ts'

const from = (peer: string, ipGroup: string): Reservation => ({
  peer,
  ipGroup,
  since: 0,
  expiresAt: 1000,
  granted: true
})

describe('reservations', () => {
  let reservations: Reservations
  beforeEach(() => {
    reservations = new Reservations()
  })

  it('are none at first', () => {
    expect(reservations.size).toBe(0)
    expect(reservations.get('a')).toBeUndefined()
    expect(reservations.countFrom('192.0.2.1')).toBe(0)
    expect(reservations.delete('a')).toBeUndefined()
  })

  it('are found by peer', () => {
    const reservation = from('a', '192.0.2.1')
    expect(reservations.put(reservation)).toBeUndefined()
    expect(reservations.get('a')).toBe(reservation)
    expect([...reservations.values()]).toEqual([reservation])
  })

  it('are counted by IP group', () => {
    reservations.put(from('a', '192.0.2.1'))
    reservations.put(from('b', '192.0.2.1'))
    reservations.put(from('c', '2001:db8::/56'))
    expect(reservations.countFrom('192.0.2.1')).toBe(2)
    expect(reservations.countFrom('2001:db8::/56')).toBe(1)
    expect(reservations.size).toBe(3)
  })

  it('are one a peer: a second takes the place of the first', () => {
    const first = from('a', '192.0.2.1')
    const second = { ...first, expiresAt: 2000 }
    reservations.put(first)
    expect(reservations.put(second)).toBe(first)
    expect(reservations.get('a')).toBe(second)
    expect(reservations.size).toBe(1)
    expect(reservations.countFrom('192.0.2.1')).toBe(1)
  })

  it('move to the IP group they were renewed from', () => {
    reservations.put(from('a', '192.0.2.1'))
    reservations.put(from('b', '192.0.2.1'))
    reservations.put(from('a', '192.0.2.2'))
    expect(reservations.countFrom('192.0.2.1')).toBe(1)
    expect(reservations.countFrom('192.0.2.2')).toBe(1)
  })

  it('give their place back once', () => {
    const reservation = from('a', '192.0.2.1')
    reservations.put(reservation)
    reservations.put(from('b', '192.0.2.1'))
    expect(reservations.delete('a')).toBe(reservation)
    expect(reservations.delete('a')).toBeUndefined()
    expect(reservations.size).toBe(1)
    expect(reservations.countFrom('192.0.2.1')).toBe(1)
  })
})

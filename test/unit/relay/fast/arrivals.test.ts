import { describe, expect, it } from 'vitest'
import { Arrivals, type Arrival, type ArrivalLimits } from '../../../../app/main/relay/fast/arrivals.ts'

function setup(limits: Partial<ArrivalLimits>) {
  let now = 0
  const arrivals = new Arrivals(
    { clock: () => now },
    { pending: Infinity, perIpPerSecond: Infinity, ...limits }
  )
  const open = (ip?: string): Arrival => {
    const arrival = arrivals.open(ip)
    if (arrival === undefined) throw new Error('it may not go on')
    return arrival
  }
  return { arrivals, open, wait: (milliseconds: number) => void (now += milliseconds) }
}

describe('arrivals', () => {
  it('are no more than may be on their way, whoever they are', () => {
    const { arrivals, open } = setup({ pending: 2 })
    const first = open('192.0.2.1')
    open(undefined)
    expect(arrivals.open('192.0.2.2')).toBeUndefined()
    expect(arrivals.open(undefined)).toBeUndefined()
    first.done()
    expect(arrivals.open('192.0.2.2')).toBeDefined()
  })

  it('of one address are so many a second', () => {
    const { arrivals, open, wait } = setup({ perIpPerSecond: 2 })
    for (let i = 0; i < 2; i++) open('192.0.2.1').done()
    expect(arrivals.open('192.0.2.1')).toBeUndefined()
    open('192.0.2.2')
    wait(1000)
    open('192.0.2.1')
  })

  it('of one IPv6 network are as many a second as of one address', () => {
    const { arrivals, open } = setup({ perIpPerSecond: 2 })
    for (let i = 1; i <= 2; i++) open(`2001:db8::${i}`).done()
    expect(arrivals.open('2001:db8:0:ff::3')).toBeUndefined()
    open('2001:db8:0:100::1')
  })

  it('are counted once, however many handshakes a connection has, which hold a place each', () => {
    const { arrivals, open } = setup({ pending: 4, perIpPerSecond: 2 })
    open('192.0.2.1').done()
    const within = arrivals.open('192.0.2.1', { isCounted: true })
    expect(within).toBeDefined()
    expect(arrivals.open('192.0.2.1')).toBeUndefined()
    within?.done()
    open('192.0.2.1')
    expect(arrivals.open('192.0.2.1', { isCounted: true })).toBeUndefined()
  })

  it('of one address are a quarter of all that may be on their way, so that others find room', () => {
    const { arrivals, open } = setup({ pending: 16 })
    const mine = [1, 2, 3, 4].map(() => open('2001:db8::1'))
    expect(arrivals.open('2001:db8:0:ff::2')).toBeUndefined()
    open('2001:db8:0:100::2')
    mine[0]?.done()
    open('2001:db8:0:ff::2')
  })

  it('through a proxy count for their client, once it is known', () => {
    const { arrivals, open, wait } = setup({ pending: 16, perIpPerSecond: 3 })
    for (let i = 0; i < 3; i++) expect(open(undefined).from('192.0.2.1')).toBe(true)
    expect(arrivals.open('192.0.2.1')).toBeUndefined()
    const another = open(undefined)
    expect(another.from('192.0.2.1')).toBe(false)
    another.done()
    wait(1000)
    open('192.0.2.1')
    wait(1000)
    expect(open(undefined).from('192.0.2.1')).toBe(false)
  })

  it('that were refused hold no place', () => {
    const { arrivals, open, wait } = setup({ pending: 4, perIpPerSecond: 1 })
    open('192.0.2.1').done()
    for (let i = 0; i < 10; i++) expect(arrivals.open('192.0.2.1')).toBeUndefined()
    wait(1000)
    for (let i = 0; i < 4; i++) open(`192.0.2.${i}`)
    expect(arrivals.open('192.0.2.9')).toBeUndefined()
  })
})

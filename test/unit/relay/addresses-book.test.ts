import { multiaddr } from '@multiformats/multiaddr'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Outcome } from '../../../app/main/relay/reach/autonat.ts'
import { AddressBook, withoutPeerId, type Known, type Origin } from '../../../app/main/relay/reach/book.ts'
import type { AddressInfo } from '../../../app/shared/api.ts'

const PEER = '12D3KooWLia3ptTxaYLVpnYY3HpbfFESqN67SCNhrKHZvxBjoMb5'
const TCP = '/ip4/5.6.7.1/tcp/4001'
const QUIC = '/ip4/5.6.7.1/udp/4001/quic-v1'
const PRIVATE = '/ip4/192.168.77.2/tcp/4001'
const MINUTE = 60_000

let nowMs: number
let changes: AddressInfo[]
let book: AddressBook
beforeEach(() => {
  nowMs = 0
  changes = []
  const clock = { now: () => nowMs, date: () => new Date(nowMs) }
  book = new AddressBook({ clock, changed: info => changes.push(info) }, { peerId: PEER })
})

const known = (origin: Origin, ...texts: string[]): Known[] =>
  texts.map(text => ({ address: multiaddr(text), origin }))
const stateOf = (text: string): AddressInfo | undefined =>
  book.states().find(({ address }) => address === `${text}/p2p/${PEER}`)

/** That many networks, from `first` on, are asked in turn, and answer so. How many were asked. */
function answer(outcome: Outcome, count: number, { first = 20 } = {}): number {
  let asked = 0
  for (let i = first; i < first + count; i++) {
    const inquiry = book.next(`${i}.1.0.1`)
    if (inquiry === undefined) continue
    asked++
    inquiry.answer('v2', outcome)
  }
  return asked
}

describe('an address', () => {
  it.each<[origin: Origin, text: string, state: string | undefined, isPublic: boolean | undefined]>([
    ['listening', PRIVATE, 'listening', false],
    ['listening', TCP, 'listening', true],
    ['mapped', TCP, 'mapped', true],
    ['given', TCP, 'given', true],
    ['given', '/dns4/relay.example.org/tcp/4001', 'given', true],
    ['observed', TCP, undefined, undefined]
  ])('that is %s (%s) is %s before anyone was asked', (origin, text, state, isPublic) => {
    book.update(known(origin, text))
    expect(stateOf(text)?.state).toBe(state)
    expect(stateOf(text)?.public).toBe(isPublic)
  })

  it('is asked about anew after a doubt, and stands until enough say otherwise', () => {
    book.update(known('mapped', TCP))
    answer('reached', 2)
    expect(book.isAsking).toBe(false)
    book.doubt()
    answer('failed', 2)
    expect(stateOf(TCP)?.state).toBe('verified')
    answer('failed', 1, { first: 22 })
    expect(stateOf(TCP)?.state).toBe('unreachable')
  })

  it.each<Origin>(['listening', 'mapped', 'observed'])(
    'that is %s is verified once it is reached',
    origin => {
      book.update(known(origin, TCP))
      expect(book.verified()).toEqual([])
      answer('reached', 2)
      expect(stateOf(TCP)).toMatchObject({ state: 'verified', transport: 'tcp', public: true })
      expect(book.verified().map(String)).toEqual([TCP])
    }
  )

  it('that goes by a name is asked about by its IP address, and verified by its name', () => {
    const name = '/dns4/5-6-7-1.k51.libp2p.direct/tcp/443/tls/ws'
    const ask = multiaddr('/ip4/5.6.7.1/tcp/443/tls/sni/5-6-7-1.k51.libp2p.direct/ws')
    book.update([{ address: multiaddr(name), origin: 'listening', ask }])
    expect(book.next('5.6.7.1')).toBeUndefined()
    expect(book.next('20.1.0.1')?.address.toString()).toBe(ask.toString())
    answer('reached', 2, { first: 30 })
    expect(book.verified().map(String)).toEqual([name])
    expect(stateOf(name)).toMatchObject({ state: 'verified', transport: 'wss', public: true })
  })

  it('that is a name alone is asked about of nobody', () => {
    book.update(known('listening', '/dns4/relay.example.org/tcp/443/tls/ws'))
    expect(book.next('20.1.0.1')).toBeUndefined()
  })

  it.each<Origin>(['listening', 'mapped', 'observed'])(
    'that is %s is unreachable when three fail',
    origin => {
      book.update(known(origin, QUIC))
      answer('failed', 2)
      expect(stateOf(QUIC)?.state).not.toBe('unreachable')
      answer('failed', 1, { first: 30 })
      expect(stateOf(QUIC)).toMatchObject({ state: 'unreachable' })
      expect(stateOf(QUIC)?.cause).toContain('Forward UDP port 4001')
      expect(book.verified()).toEqual([])
    }
  )

  it('verified on one port says nothing of the other', () => {
    book.update(known('mapped', TCP, QUIC))
    answer('reached', 1)
    expect(stateOf(TCP)?.state).toBe('verified')
    expect(stateOf(QUIC)?.state).toBe('mapped')
  })

  it('known twice is what it was named first', () => {
    book.update([...known('given', TCP), ...known('listening', TCP)])
    expect(book.states()).toHaveLength(1)
    expect(stateOf(TCP)?.state).toBe('given')
  })

  it('that is gone is forgotten, and back again begins anew', () => {
    book.update(known('mapped', TCP))
    answer('reached', 1)
    book.update([])
    expect(book.states()).toEqual([])
    book.update(known('mapped', TCP))
    expect(stateOf(TCP)?.state).toBe('mapped')
  })

  it('whose mapping comes and stays is judged by what was said of the mapping', () => {
    book.update(known('observed', TCP))
    answer('failed', 3)
    book.update(known('mapped', TCP))
    expect(stateOf(TCP)?.state).toBe('mapped')
  })

  it('names no peer and no address of another in its cause', () => {
    book.update(known('listening', TCP))
    answer('failed', 3)
    expect(stateOf(TCP)?.cause).not.toMatch(/\d+\.\d+\.\d+\.\d+|12D3/)
  })
})

describe('a change of state', () => {
  it('is told, with the time since when', () => {
    nowMs = 1000
    book.update(known('listening', TCP))
    nowMs = 5000
    answer('reached', 1)
    expect(changes.map(({ state, since }) => [state, since])).toEqual([
      ['listening', '1970-01-01T00:00:01.000Z'],
      ['verified', '1970-01-01T00:00:05.000Z']
    ])
  })

  it('is not told while the state stays, and its time stays too', () => {
    book.update(known('listening', TCP))
    answer('reached', 1)
    nowMs = 11 * MINUTE
    book.update(known('listening', TCP))
    answer('reached', 1)
    expect(changes).toHaveLength(2)
    expect(stateOf(TCP)?.since).toBe('1970-01-01T00:00:00.000Z')
  })
})

describe('who is asked', () => {
  beforeEach(() => book.update(known('listening', TCP)))

  it.each([
    ['somebody behind the same address', '5.6.7.1', false],
    ['somebody of the other family', '2a00::1', false],
    ['anybody else', '23.1.0.1', true]
  ])('%s: %s', (_who, ip, isAsked) => {
    expect(book.next(ip) !== undefined).toBe(isAsked)
  })

  it('is one of a network', () => {
    expect(book.next('23.1.0.1')).toBeDefined()
    expect(book.next('23.1.99.1')).toBeUndefined()
    expect(book.next('23.2.0.1')).toBeDefined()
  })

  it('are three at a time', () => {
    expect(['20', '21', '22', '23'].map(first => book.next(`${first}.1.0.1`) !== undefined)).toEqual([
      true,
      true,
      true,
      false
    ])
  })

  it('are those who refused again after five minutes', () => {
    expect(answer('none', 1)).toBe(1)
    expect(answer('none', 1)).toBe(0)
    nowMs = 5 * MINUTE
    expect(answer('none', 1)).toBe(1)
  })

  it('are at most 24 in five minutes, where all refuse', () => {
    expect(answer('none', 100)).toBe(24)
  })

  it('is nobody about an address that is private or given', () => {
    book.update([...known('listening', PRIVATE), ...known('given', TCP, '/dns4/relay.example.org/tcp/1')])
    expect(book.isAsking).toBe(false)
    expect(book.next('23.1.0.1')).toBeUndefined()
  })

  it('is nobody for money about an address that only peers told of', () => {
    expect(book.next('23.1.0.1')?.pay).toBe(true)
    book.update(known('observed', TCP))
    expect(book.next('23.1.0.1')?.pay).toBe(false)
  })
})

describe('a verdict', () => {
  beforeEach(() => book.update(known('listening', TCP)))

  it('of reachable is looked at again after ten minutes', () => {
    answer('reached', 1)
    nowMs = 10 * MINUTE - 1
    expect(book.isAsking).toBe(false)
    nowMs = 10 * MINUTE
    expect(book.isAsking).toBe(true)
  })

  it('of reachable that one peer contradicts is looked at by more at once', () => {
    answer('reached', 1)
    nowMs = 10 * MINUTE
    expect(answer('failed', 3, { first: 40 })).toBe(3)
    expect(stateOf(TCP)?.state).toBe('unreachable')
  })

  it('of unreachable is looked at again after five minutes, by the same peers too', () => {
    answer('failed', 3)
    expect(book.isAsking).toBe(false)
    nowMs = 5 * MINUTE
    expect(answer('reached', 1)).toBe(1)
    expect(stateOf(TCP)?.state).toBe('verified')
  })
})

it('an answer about an address that is gone changes nothing', () => {
  book.update(known('listening', TCP))
  const inquiry = book.next('23.1.0.1')
  book.update([])
  book.update(known('listening', TCP))
  inquiry?.answer('v2', 'reached')
  expect(stateOf(TCP)?.state).toBe('listening')
})

it.each([
  [`${TCP}/p2p/${PEER}`, TCP],
  [TCP, TCP]
])('%s without its peer is %s', (text, bare) => {
  expect(withoutPeerId(multiaddr(text)).toString()).toBe(bare)
})

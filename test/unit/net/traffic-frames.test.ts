import { describe, expect, it } from 'vitest'
import { framesOf, isLoopback } from '../../../app/main/net/frames.ts'
import { TcpFrames, type TcpEnd } from '../../../app/main/net/tcp-frames.ts'

const IPV4 = framesOf('192.0.2.1')
const ACK = 66

/** A connection past the acknowledgements of its beginning, with both ends known to answer. */
function talking(): { tcp: TcpFrames; since: () => { received: number; sent: number } } {
  const tcp = new TcpFrames(IPV4)
  tcp.read(1, 0)
  tcp.wrote(1, 0)
  tcp.read(1, 10)
  tcp.wrote(1, 10)
  tcp.read(1, 20)
  const before = { received: tcp.received, sent: tcp.sent }
  return { tcp, since: () => ({ received: tcp.received - before.received, sent: tcp.sent - before.sent }) }
}

describe('framesOf', () => {
  it('knows the headers of IPv4', () => {
    expect(IPV4).toEqual({ datagram: 42, segment: 66, syn: 74, reset: 54, maxSegment: 1448 })
  })

  it('knows those of IPv6, which are 20 bytes longer', () => {
    expect(framesOf('2001:db8::1')).toEqual({
      datagram: 62,
      segment: 86,
      syn: 94,
      reset: 74,
      maxSegment: 1428
    })
  })

  it('takes an IPv4-mapped address for the IPv4 that it travels as', () => {
    expect(framesOf('::ffff:192.0.2.1')).toBe(IPV4)
  })
})

describe('isLoopback', () => {
  it.each([
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['192.0.2.127', false],
    ['2001:db8::1', false]
  ])('%s: %s', (ip, expected) => {
    expect(isLoopback(ip)).toBe(expected)
  })
})

describe('TcpFrames', () => {
  it('counts the handshake of a connection that we open', () => {
    const tcp = new TcpFrames(IPV4)
    tcp.connected('us')
    expect(tcp).toMatchObject({ sent: 74 + ACK, received: 74 })
  })

  it('counts the handshake of a connection that a peer opens', () => {
    const tcp = new TcpFrames(IPV4)
    tcp.connected('peer')
    expect(tcp).toMatchObject({ sent: 74, received: 74 + ACK })
  })

  it.each<[TcpEnd, number, number]>([
    ['closed', 2 * ACK, ACK],
    ['closed-by-peer', ACK, 2 * ACK],
    ['reset', 54, 0],
    ['reset-by-peer', 0, 54]
  ])('counts the end of a connection: %s', (how, sent, received) => {
    const tcp = new TcpFrames(IPV4)
    tcp.ended(how)
    expect(tcp).toMatchObject({ sent, received })
  })

  it.each([
    [0.5, 1],
    [1, 2],
    [10, 4]
  ])('counts the SYNs of an attempt that nobody answers for %d s: %d', (seconds, syns) => {
    const tcp = new TcpFrames(IPV4)
    tcp.unanswered(seconds)
    expect(tcp).toMatchObject({ sent: 74 * syns, received: 0 })
  })

  it('counts a refused attempt', () => {
    const tcp = new TcpFrames(IPV4)
    tcp.refused()
    expect(tcp).toMatchObject({ sent: 74, received: 54 })
  })

  it('acknowledges the first segments one by one', () => {
    const tcp = new TcpFrames(IPV4)
    for (let i = 0; i < 3; i++) tcp.read(100, i)
    expect(tcp).toMatchObject({ received: 3 * 166, sent: 3 * ACK })
  })

  it('lets an answer in time carry the acknowledgement', () => {
    const { tcp, since } = talking()
    tcp.wrote(100, 21)
    tcp.read(100, 31)
    tcp.wrote(100, 32)
    expect(since()).toEqual({ received: 166, sent: 2 * 166 })
  })

  it('acknowledges by itself what gets no answer for 40 ms', () => {
    const { tcp, since } = talking()
    tcp.settle(59)
    expect(since().sent).toBe(0)
    tcp.settle(60)
    tcp.settle(1000)
    expect(since().sent).toBe(ACK)
  })

  it('does not take a long way to the peer for its silence', () => {
    const tcp = new TcpFrames(IPV4)
    for (let at = 0; at < 2000; at += 200) {
      tcp.wrote(100, at)
      tcp.read(100, at + 150)
    }
    // But for the first, of which nobody knows yet whether it is answered.
    expect(tcp.received).toBe(10 * 166 + ACK)
  })

  it('counts the segments of a bulk transfer, and an acknowledgement for four of them', () => {
    const tcp = new TcpFrames(IPV4)
    for (let i = 0; i < 1000; i++) tcp.wrote(64_000, i)
    const segments = 1000 * Math.ceil(64_000 / 1448)
    expect(tcp.sent).toBe(64_000_000 + segments * 66)
    expect(tcp.received / ACK / segments).toBeCloseTo(0.25, 1)
  })

  it('never counts less than before', () => {
    const tcp = new TcpFrames(IPV4)
    let last = 0
    for (let i = 0; i < 500; i++) {
      if (i % 3 === 0) tcp.read((i * 37) % 5000, i * 13)
      else tcp.wrote((i * 53) % 9000, i * 13)
      tcp.settle(i * 13 + 1)
      expect(tcp.received + tcp.sent).toBeGreaterThanOrEqual(last)
      last = tcp.received + tcp.sent
    }
  })
})

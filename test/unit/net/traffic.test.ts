import { describe, expect, it } from 'vitest'
import { TrafficMeter, type DatagramCounts } from '../../../app/main/net/traffic.ts'
import type { NativeConnection } from '../../../app/main/relay/quic/native.ts'
import { QuicTraffic } from '../../../app/main/relay/quic/traffic.ts'
import { multiaddr } from '@multiformats/multiaddr'

const NOTHING: DatagramCounts = { receivedBytes: 0, receivedDatagrams: 0, sentBytes: 0, sentDatagrams: 0 }
const clock = (): number => 0

/** The engine's own figures for a connection, and its end. */
function connection(address: string) {
  const stats = { udpRxBytes: 0, udpRxDatagrams: 0, udpTxBytes: 0, udpTxDatagrams: 0 }
  const end = Promise.withResolvers<void>()
  const native: Pick<NativeConnection, 'remoteMultiaddr' | 'stats' | 'closed'> = {
    remoteMultiaddr: () => address,
    stats: () => ({ ...stats }),
    closed: () => end.promise
  }
  return { native: native as NativeConnection, stats, end: () => end.resolve() }
}

function quic(now: () => number = clock) {
  const meter = new TrafficMeter({ clock })
  return { meter, traffic: new QuicTraffic({ meter, clock: now }) }
}

describe('TrafficMeter', () => {
  it.each([
    ['192.0.2.1', 42],
    ['2001:db8::1', 62]
  ])('adds the headers of datagrams: %s', (ip, header) => {
    const meter = new TrafficMeter({ clock })
    meter.add(ip, { receivedBytes: 1000, receivedDatagrams: 2, sentBytes: 500, sentDatagrams: 3 })
    expect(meter.totals()).toEqual({ received: 1000 + 2 * header, sent: 500 + 3 * header })
  })

  it('looks at a source anew whenever it is asked, and a last time at its end', () => {
    const meter = new TrafficMeter({ clock })
    let sentBytes = 100
    const end = meter.follow({ remoteIp: '192.0.2.1', counts: () => ({ ...NOTHING, sentBytes }) })
    expect(meter.totals().sent).toBe(100)
    sentBytes = 200
    expect(meter.totals().sent).toBe(200)
    sentBytes = 300
    end()
    end()
    sentBytes = 400
    expect(meter.totals().sent).toBe(300)
  })

  it('counts nothing that stays inside the machine', () => {
    const meter = new TrafficMeter({ clock })
    const counts = { ...NOTHING, sentBytes: 100, sentDatagrams: 1 }
    meter.add('127.0.0.1', counts)
    meter.follow({ remoteIp: '::1', counts: () => counts })()
    expect(meter.totals()).toEqual({ received: 0, sent: 0 })
  })
})

describe('QuicTraffic', () => {
  it('adds the datagram that a connection came with, which the engine does not count', () => {
    const { meter, traffic } = quic()
    const { native, stats } = connection('/ip4/192.0.2.1/udp/4001/quic-v1')
    traffic.accepted(native)
    Object.assign(stats, { udpRxBytes: 500, udpRxDatagrams: 1, udpTxBytes: 700, udpTxDatagrams: 2 })
    expect(meter.totals()).toEqual({ received: 1242 + 542, sent: 700 + 84 })
  })

  it('keeps what a connection had when it ended', async () => {
    const { meter, traffic } = quic()
    const { native, stats, end } = connection('/ip6/2001:db8::1/udp/4001/quic-v1')
    traffic.dialing('2001:db8::1', Promise.resolve(native))
    await Promise.resolve()
    stats.udpTxBytes = 700
    end()
    await Promise.resolve()
    await Promise.resolve()
    stats.udpTxBytes = 900
    expect(meter.totals()).toEqual({ received: 0, sent: 700 })
  })

  it.each([
    [0.5, 1],
    [3.5, 5],
    [15, 9]
  ])('counts what a dial sends that nobody answers for %d s: %d datagrams', async (seconds, datagrams) => {
    let now = 0
    const { meter, traffic } = quic(() => now)
    const dialing = Promise.withResolvers<NativeConnection>()
    traffic.dialing('192.0.2.1', dialing.promise)
    now = seconds * 1000
    dialing.reject(new Error('timed out'))
    await dialing.promise.catch(() => {})
    expect(meter.totals()).toEqual({ received: 0, sent: datagrams * 1242 })
  })

  it('counts a handshake that came to nothing', () => {
    const { meter, traffic } = quic()
    traffic.handshakeFailed(multiaddr('/ip4/0.0.0.0/udp/4001/quic-v1'))
    expect(meter.totals()).toEqual({ received: 1242, sent: 3 * 1242 })
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TrustedProxies } from '../../../app/main/net/forwarded.ts'

const proxies = new TrustedProxies(['192.0.2.1', '10.0.0.0/8', '2001:db8:f::/48'])

describe('the client of a request', () => {
  it.each<[string, string, string[], string]>([
    ['is its peer, whatever a stranger writes', '198.51.100.7', ['203.0.113.5'], '198.51.100.7'],
    ['is whom the proxy has it from', '192.0.2.1', ['203.0.113.5'], '203.0.113.5'],
    [
      'is the last that no proxy of ours is',
      '192.0.2.1',
      ['1.1.1.1, 203.0.113.5,10.1.2.3 ,10.9.9.9'],
      '203.0.113.5'
    ],
    ['comes from all lines together', '192.0.2.1', ['1.1.1.1', '203.0.113.5, 10.1.2.3'], '203.0.113.5'],
    ['is the first of all where all are proxies', '192.0.2.1', ['10.0.0.9, 10.1.2.3'], '10.0.0.9'],
    ['is the proxy itself where it names nobody', '192.0.2.1', [], '192.0.2.1'],
    [
      'is the last proxy before what is no address',
      '192.0.2.1',
      ['203.0.113.5, unknown, 10.1.2.3'],
      '10.1.2.3'
    ],
    ['is the proxy itself where there is no address at all', '192.0.2.1', ['', ' , '], '192.0.2.1'],
    ['may be IPv6', '2001:db8:f::2', ['2001:DB8:0:0::5'], '2001:db8::5'],
    ['may be in brackets', '192.0.2.1', ['[2001:db8::5]'], '2001:db8::5'],
    ['may have a port', '192.0.2.1', ['203.0.113.5:4711, [2001:db8:f::3]:80'], '203.0.113.5'],
    ['is IPv4, though mapped', '::ffff:192.0.2.1', ['::ffff:203.0.113.5'], '203.0.113.5']
  ])('%s', (_, peer, forwarded, client) => {
    expect(proxies.clientOf(peer, forwarded)).toBe(client)
  })

  it.each(['203.0.113.5:', '[203.0.113.5', '203.0.113.005', '2001:db8::5]:80', '[]', ':80', '0x7f.1'])(
    'is never read from %s',
    hop => {
      expect(proxies.clientOf('192.0.2.1', [hop])).toBe('192.0.2.1')
    }
  )

  it('is never what was written left of a stranger', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string()),
        fc.array(fc.constantFrom('10.0.0.1', '192.0.2.1')),
        (forged, hops) => {
          const header = [...forged, '203.0.113.5', ...hops].join(',')
          expect(proxies.clientOf('192.0.2.1', [header])).toBe('203.0.113.5')
        }
      )
    )
  })

  it('is the peer where nobody is trusted', () => {
    expect(new TrustedProxies([]).clientOf('192.0.2.1', ['203.0.113.5'])).toBe('192.0.2.1')
  })
})

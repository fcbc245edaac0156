import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AccessList, ipGroup, ipNetwork, isPublicIp, parseCidr } from '../../../app/main/net/ip.ts'

const word = fc.integer({ min: 0, max: 0xffff })
/** Global unicast only: the groups of IPv4-mapped addresses are those of IPv4. */
const ipv6Words = fc.tuple(fc.integer({ min: 0x2000, max: 0x3fff }), word, word, word, word, word, word, word)
const textOf = (words: number[]): string => words.map(each => each.toString(16)).join(':')

it.each([
  ['23.1.0.10', '23.1.0.0/16'],
  ['::ffff:23.1.0.10', '23.1.0.0/16'],
  ['2a00:1450:4001::1', '2a00:1450::/32'],
  ['nothing', 'unknown']
])('ipNetwork puts %s into %s', (ip, network) => {
  expect(ipNetwork(ip)).toBe(network)
})

describe('ipGroup', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:0201', '192.0.2.1'],
    ['2001:db8:0:1234:5678::1', '2001:db8:0:1200::/56'],
    ['2001:0DB8:0000:12ff::', '2001:db8:0:1200::/56'],
    ['fe80::1%eth0', 'fe80::/56'],
    ['fe80::1%vlan.100-a', 'fe80::/56'],
    ['::1', '::/56'],
    // IPv4-compatible, not IPv4-mapped: an IPv6 address like any other
    ['::192.0.2.1', '::/56'],
    ['2001:db8::192.0.2.1', '2001:db8::/56']
  ])('puts %s into %s', (ip, group) => {
    expect(ipGroup(ip)).toBe(group)
  })

  it.each(['', 'localhost', '12345', '0x7f.1', '010.0.0.1', '1.2.3.4%eth0', '::g', '1:2', '192.0.2.1/24'])(
    'puts the text "%s" into the one group of what is no address',
    text => {
      expect(ipGroup(text)).toBe('unknown')
    }
  )

  it('gives all addresses of a /56 one group', () => {
    fc.assert(
      fc.property(
        ipv6Words,
        fc.integer({ min: 0, max: 0xff }),
        fc.array(word, { minLength: 4, maxLength: 4 }),
        (words, low, tail) => {
          const [a, b, c, d] = words
          const other = [a, b, c, (d & 0xff00) | low, ...tail]
          expect(ipGroup(textOf(other))).toBe(ipGroup(textOf(words)))
        }
      )
    )
  })

  it('gives neighbouring /56 blocks different groups', () => {
    fc.assert(
      fc.property(ipv6Words, fc.integer({ min: 8, max: 15 }), (words, bit) => {
        const [a, b, c, d, ...tail] = words
        const other = [a, b, c, d ^ (1 << bit), ...tail]
        expect(ipGroup(textOf(other))).not.toBe(ipGroup(textOf(words)))
      })
    )
  })

  it('gives an IPv4 address the same group in every notation, and no other address that group', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), (ip, other) => {
        expect(ipGroup(`::ffff:${ip}`)).toBe(ipGroup(ip))
        expect(ipGroup(ip) === ipGroup(other)).toBe(ip === other)
      })
    )
  })

  it('takes any text without throwing', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.ipV6()), text => typeof ipGroup(text) === 'string'))
  })
})

describe('isPublicIp', () => {
  it.each([
    '1.1.1.1',
    '100.63.255.255',
    '100.128.0.1',
    '172.15.0.1',
    '172.32.0.1',
    '192.31.196.1',
    '::ffff:8.8.8.8',
    '2606:4700:4700::1111',
    '2a01:4f8::1',
    '2620:4f:8000::1'
  ])('%s is public', ip => {
    expect(isPublicIp(ip)).toBe(true)
  })

  it.each([
    ['unspecified', '0.0.0.0'],
    ['this network', '0.1.2.3'],
    ['loopback', '127.8.9.1'],
    ['private', '10.0.0.1'],
    ['private', '172.16.0.1'],
    ['private', '192.168.1.1'],
    ['CGNAT', '100.64.0.1'],
    ['link-local', '169.254.1.1'],
    ['documentation', '192.0.2.1'],
    ['documentation', '198.51.100.1'],
    ['documentation', '203.0.113.1'],
    ['benchmarking', '198.18.0.1'],
    ['multicast', '224.0.0.251'],
    ['reserved', '240.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['IPv4-mapped private', '::ffff:10.0.0.1'],
    ['unspecified', '::'],
    ['loopback', '::1'],
    ['link-local', 'fe80::1%eth0'],
    ['site-local', 'fec0::1'],
    ['ULA', 'fd00::1'],
    ['documentation', '2001:db8::1'],
    ['documentation', '3fff::1'],
    ['multicast', 'ff02::1'],
    ['discard', '100::1'],
    ['NAT64', '64:ff9b::808:808'],
    ['Teredo', '2001::1'],
    ['6to4', '2002:808:808::1'],
    ['IPv4-compatible', '::8.8.8.8'],
    ['never given out', '4000::1'],
    ['no address', 'example.org']
  ])('%s is not public: %s', (_kind, ip) => {
    expect(isPublicIp(ip)).toBe(false)
  })
})

describe('parseCidr', () => {
  it.each([
    ['10.0.0.0/8', '10.0.0.0', 8],
    ['10.0.0.1', '10.0.0.1', 32],
    ['0.0.0.0/0', '0.0.0.0', 0],
    ['2001:db8::/32', '2001:db8::', 32],
    ['::1', '::1', 128],
    ['::ffff:10.0.0.0/104', '10.0.0.0', 8],
    ['::ffff:0:0/90', '0.0.0.0', 0]
  ])('reads %s', (text, address, bits) => {
    const cidr = parseCidr(text)
    expect([cidr?.address.toString(), cidr?.bits]).toEqual([address, bits])
  })

  it.each([
    '',
    '/',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0/0x8',
    '::/129',
    '::ffff:10.0.0.0/129',
    '10/8',
    'peer'
  ])('refuses "%s"', text => {
    expect(parseCidr(text)).toBeUndefined()
  })
})

describe('AccessList', () => {
  const PEER = '12D3KooWBmwkafWE2fqfzS96VoTZgpGp6aJsF4SAwSsatoe3mHDk'
  const list = new AccessList([
    '192.0.2.7',
    '10.0.0.0/8',
    '2001:db8::/33',
    '::1',
    PEER,
    ' 198.51.100.0/24 ',
    ''
  ])

  it.each([
    [{ ip: '192.0.2.7' }, true],
    [{ ip: '192.0.2.8' }, false],
    [{ ip: '::ffff:192.0.2.7' }, true],
    [{ ip: '10.255.0.1' }, true],
    [{ ip: '11.0.0.0' }, false],
    [{ ip: '2001:db8:7fff::1' }, true],
    [{ ip: '2001:db8:8000::1' }, false],
    [{ ip: '0:0:0:0:0:0:0:1%lo' }, true],
    [{ ip: '198.51.100.99' }, true],
    [{ peer: PEER }, true],
    [{ peer: `${PEER}x` }, false],
    [{ ip: '8.8.8.8', peer: PEER }, true],
    [{ ip: '10.0.0.1', peer: 'other' }, true],
    [{ ip: 'unreadable' }, false],
    [{ ip: '' }, false],
    [{}, false]
  ])('%o -> %s', (subject, expected) => {
    expect(list.matches(subject)).toBe(expected)
  })

  it('counts its rules', () => {
    expect(list.size).toBe(6)
    expect(new AccessList([]).size).toBe(0)
  })

  it('an empty list matches no one', () => {
    expect(new AccessList([]).matches({ ip: '127.0.0.1', peer: PEER })).toBe(false)
  })

  it('keeps IPv4 and IPv6 apart', () => {
    expect(new AccessList(['::/0']).matches({ ip: '192.0.2.1' })).toBe(false)
    expect(new AccessList(['::/0']).matches({ ip: '::ffff:192.0.2.1' })).toBe(false)
    expect(new AccessList(['0.0.0.0/0']).matches({ ip: '2001:db8::1' })).toBe(false)
    expect(new AccessList(['0.0.0.0/0']).matches({ ip: '::ffff:192.0.2.1' })).toBe(true)
  })

  it('matches an address exactly when its leading bits are those of the block', () => {
    const number = (ip: string): bigint => ip.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n)
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), fc.integer({ min: 0, max: 32 }), (ip, base, bits) => {
        const same = number(ip) >> BigInt(32 - bits) === number(base) >> BigInt(32 - bits)
        expect(new AccessList([`${base}/${bits}`]).matches({ ip })).toBe(same)
      })
    )
  })
})

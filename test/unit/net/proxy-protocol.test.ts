import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  ProxyHeaderError,
  ProxyHeaderReader,
  type ProxyHeader
} from '../../../app/main/net/proxy-protocol.ts'

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const v2 = (command: number, family: number, body: Uint8Array, length = body.byteLength): Buffer =>
  Buffer.concat([SIGNATURE, Buffer.from([command, family, length >> 8, length & 255]), body])
const FOUR = Buffer.from('cb007105c00002011267 0fa1'.replace(' ', ''), 'hex')
const SIX = Buffer.from(`20010db8${'00'.repeat(11)}05${'20010db8'}${'00'.repeat(11)}0112670fa1`, 'hex')
const TLVS = Buffer.from(`04000300aabb${'ee01f4'}${'61'.repeat(500)}`, 'hex')
const client4 = { ip: '203.0.113.5', port: 4711 }
const client6 = { ip: '2001:db8::5', port: 4711 }

const HEADERS: [string, Buffer, ProxyHeader['client']][] = [
  ['version 1, IPv4', Buffer.from('PROXY TCP4 203.0.113.5 192.0.2.1 4711 4001\r\n'), client4],
  ['version 1, IPv6', Buffer.from('PROXY TCP6 2001:DB8:0::5 2001:db8::1 4711 4001\r\n'), client6],
  ['version 1, IPv4 in IPv6', Buffer.from('PROXY TCP6 ::ffff:203.0.113.5 ::1 4711 4001\r\n'), client4],
  ['version 1, unknown', Buffer.from('PROXY UNKNOWN\r\n'), undefined],
  [
    'version 1, unknown, as long as can be',
    Buffer.from(`PROXY UNKNOWN ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535\r\n`),
    undefined
  ],
  ['version 2, IPv4', v2(0x21, 0x11, FOUR), client4],
  ['version 2, IPv6', v2(0x21, 0x21, SIX), client6],
  ['version 2 with TLVs', v2(0x21, 0x11, Buffer.concat([FOUR, TLVS])), client4],
  ['version 2, the longest', v2(0x21, 0x21, Buffer.concat([SIX, Buffer.alloc(65_499)])), client6],
  ['version 2, of the proxy itself', v2(0x20, 0x00, Buffer.alloc(0)), undefined],
  ['version 2, of the proxy itself, with addresses', v2(0x20, 0x11, FOUR), undefined],
  ['version 2, unspecified', v2(0x21, 0x00, Buffer.from('abc')), undefined],
  ['version 2, over a Unix socket', v2(0x21, 0x31, Buffer.alloc(216)), undefined],
  ['version 2, of datagrams', v2(0x21, 0x12, FOUR), undefined]
]
const OTHERS: [string, Buffer][] = [
  ['libp2p', Buffer.from('\x13/multistream/1.0.0\n\x07/noise\n')],
  ['a ClientHello', Buffer.from('1603010200010001fc0303', 'hex')],
  ['a request', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
  ['a POST', Buffer.from('POST / HTTP/1.1\r\n')],
  ['a line end, then a request', Buffer.from('\r\nGET / HTTP/1.1\r\n')],
  ['two line ends, then others', Buffer.from('\r\n\r\n\0\r\nQUIX\n')],
  ['what is almost one', Buffer.from('PROXYING')]
]
const REST = Buffer.from('\r\nwhat follows: PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\n')

/** Reads pieces until it is known what they are; what is left of them is the rest, too. */
function read(pieces: readonly Buffer[]): ProxyHeader | undefined {
  const reader = new ProxyHeaderReader()
  for (const [i, piece] of pieces.entries()) {
    // Memory that is used again at once.
    const memory = Buffer.from(piece)
    const header = reader.add(memory)
    const rest = header && Buffer.concat([header.rest, ...pieces.slice(i + 1)])
    memory.fill(0xaa)
    if (header !== undefined) return { ...header, rest: rest ?? Buffer.alloc(0) }
  }
  return undefined
}

describe('a PROXY header', () => {
  it.each(HEADERS)('is understood however it is split: %s', (_, header, client) => {
    const all = Buffer.concat([header, REST])
    const most = Math.min(header.byteLength, 600)
    for (let at = 0; at <= most; at++) {
      expect(read([all.subarray(0, at), all.subarray(at)])).toEqual({ client, rest: REST })
    }
    expect(read([...header].map(byte => Buffer.from([byte])).concat(REST))).toEqual({ client, rest: REST })
  })

  it.each(HEADERS)('is awaited to its last byte: %s', (_, header) => {
    for (let bytes = 0; bytes < Math.min(header.byteLength, 600); bytes++) {
      expect(read([header.subarray(0, bytes)])).toBeUndefined()
    }
    expect(read([header.subarray(0, -1)])).toBeUndefined()
  })

  it.each(OTHERS)('is not seen in %s, of which nothing is lost', (_, bytes) => {
    for (let at = 0; at <= bytes.byteLength; at++) {
      expect(read([bytes.subarray(0, at), bytes.subarray(at)])).toEqual({ client: undefined, rest: bytes })
    }
  })

  it.each<[string, Buffer]>([
    ['a family that does not fit', Buffer.from('PROXY TCP4 2001:db8::5 2001:db8::1 1 1\r\n')],
    ['another family that does not fit', Buffer.from('PROXY TCP6 203.0.113.5 192.0.2.1 1 1\r\n')],
    ['an unknown protocol', Buffer.from('PROXY UDP4 203.0.113.5 192.0.2.1 1 1\r\n')],
    ['two blanks', Buffer.from('PROXY TCP4  203.0.113.5 192.0.2.1 1 1\r\n')],
    ['no ports', Buffer.from('PROXY TCP4 203.0.113.5 192.0.2.1\r\n')],
    ['something behind', Buffer.from('PROXY TCP4 203.0.113.5 192.0.2.1 1 1 \r\n')],
    ['a port beyond 65535', Buffer.from('PROXY TCP4 203.0.113.5 192.0.2.1 65536 1\r\n')],
    ["a proxy's port beyond 65535", Buffer.from('PROXY TCP4 203.0.113.5 192.0.2.1 1 65536\r\n')],
    ['a port with a zero before it', Buffer.from('PROXY TCP4 203.0.113.5 192.0.2.1 01 1\r\n')],
    ['an address with a zero before it', Buffer.from('PROXY TCP4 203.0.113.05 192.0.2.1 1 1\r\n')],
    ['a bare line feed', Buffer.from(`PROXY TCP4 203.0.113.5 192.0.2.1 1 1\n${'x'.repeat(80)}`)],
    ['a line without end', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(1000)}`)],
    ['UNKNOWN with a tail', Buffer.from('PROXY UNKNOWNX\r\n')],
    ['version 1 in the words of version 2', v2(0x11, 0x11, FOUR)],
    ['version 3', v2(0x31, 0x11, FOUR)],
    ['an unknown command', v2(0x22, 0x11, FOUR)],
    ['an unknown family', v2(0x21, 0x41, FOUR)],
    ['an unknown transport', v2(0x21, 0x13, FOUR)],
    ['too few bytes for IPv4', v2(0x21, 0x11, FOUR.subarray(0, 11))],
    ['too few bytes for IPv6', v2(0x21, 0x21, SIX.subarray(0, 35))]
  ])('is refused with %s', (_, bytes) => {
    expect(() => read([bytes])).toThrow(ProxyHeaderError)
    expect(() => read([...bytes].map(byte => Buffer.from([byte])))).toThrow(ProxyHeaderError)
  })

  it('is no reason to keep more than 107 bytes', () => {
    const reader = new ProxyHeaderReader()
    expect(reader.add(Buffer.from(`PROXY UNKNOWN ${'x'.repeat(92)}`))).toBeUndefined()
    expect(() => reader.add(Buffer.from('x'))).toThrow(ProxyHeaderError)
  })

  it('never breaks anything, and says the same of the same bytes however they come', () => {
    const begins = fc.constantFrom('', 'PROXY ', 'PROXY TCP4 1.2.3.4 ', SIGNATURE.toString('latin1'))
    const tail = fc.uint8Array({ maxLength: 120 })
    fc.assert(
      fc.property(begins, tail, fc.array(fc.nat(140), { maxLength: 5 }), (begin, end, cuts) => {
        const all = Buffer.concat([Buffer.from(begin, 'latin1'), end])
        const places = [
          0,
          ...cuts.map(cut => cut % (all.byteLength + 1)).sort((a, b) => a - b),
          all.byteLength
        ]
        const pieces = places.slice(1).map((place, i) => all.subarray(places[i], place))
        expect(outcome(pieces)).toEqual(outcome([all]))
      }),
      { numRuns: 1000 }
    )
  })
})

function outcome(pieces: readonly Buffer[]): ProxyHeader | string | undefined {
  try {
    return read(pieces)
  } catch (error) {
    return error instanceof ProxyHeaderError ? error.name : String(error)
  }
}

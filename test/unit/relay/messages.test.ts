import fc from 'fast-check'
import { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, it } from 'vitest'
import { HopMessage, StopMessage, VoucherMessage } from '../../../app/main/relay/circuit/pb/messages.ts'
// The stock package's own codec; it exports its entry only.
import * as stock from '../../../node_modules/@libp2p/circuit-relay-v2/dist/src/pb/index.js'

const bytes = fc.uint8Array({ maxLength: 64 })
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff })
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const STATUSES = [100, 200, 201, 202, 203, 204, 400, 401]
const status = fc.constantFrom(...STATUSES)

const peer = fc.record({ id: bytes, addrs: fc.array(bytes, { maxLength: 4 }) })
const limit = fc.record({ duration: uint32, data: uint64 }, { requiredKeys: [] })
const envelope = fc
  .record({ publicKey: bytes, payloadType: bytes, signature: bytes })
  .map(content => stock.Envelope.encode(content))
const reservation = fc.record(
  { expire: uint64, addrs: fc.array(bytes, { maxLength: 4 }), voucher: envelope },
  { requiredKeys: ['expire', 'addrs'] }
)
const hopMessage = fc.record(
  { type: fc.constantFrom(0, 1, 2), peer, reservation, limit, status },
  { requiredKeys: [] }
)
const stopMessage = fc.record({ type: fc.constantFrom(0, 1), peer, limit, status }, { requiredKeys: [] })
const voucher = fc.record({ relay: bytes, peer: bytes, expiration: uint64 })

/** Enumerations are words in the stock codec, and numbers on the wire and in ours. */
const HOP_TYPES = ['RESERVE', 'CONNECT', 'STATUS']
const STOP_TYPES = ['CONNECT', 'STATUS']
const STATUS_NAMES = [
  'OK',
  'RESERVATION_REFUSED',
  'RESOURCE_LIMIT_EXCEEDED',
  'PERMISSION_DENIED',
  'CONNECTION_FAILED',
  'NO_RESERVATION',
  'MALFORMED_MESSAGE',
  'UNEXPECTED_MESSAGE'
]

function inWords(message: { type?: number; status?: number }, types: string[]): Record<string, unknown> {
  const words: Record<string, unknown> = { ...message }
  if (message.type !== undefined) words.type = types[message.type]
  if (message.status !== undefined) words.status = STATUS_NAMES[STATUSES.indexOf(message.status)]
  return words
}

/** An envelope's bytes in ours, a decoded envelope in the stock codec. */
function inStock(message: HopMessage): stock.HopMessage {
  const { reservation } = message
  const voucher = reservation?.voucher === undefined ? undefined : stock.Envelope.decode(reservation.voucher)
  const words = inWords(message, HOP_TYPES) as stock.HopMessage
  if (reservation !== undefined) {
    const { expire, addrs } = reservation
    words.reservation = voucher === undefined ? { expire, addrs } : { expire, addrs, voucher }
  }
  return words
}

const sameBytes = (a: Uint8Array, b: Uint8Array): void => expect(Buffer.compare(a, b)).toBe(0)

describe('beside the codec of the stock package', () => {
  it('writes and reads the same hop messages', () => {
    fc.assert(
      fc.property(hopMessage, message => {
        expect(stock.HopMessage.decode(HopMessage.encode(message))).toEqual(inStock(message))
        expect(HopMessage.decode(stock.HopMessage.encode(inStock(message)))).toEqual(message)
      })
    )
  })

  it('writes and reads the same stop messages', () => {
    fc.assert(
      fc.property(stopMessage, message => {
        const theirs = inWords(message, STOP_TYPES) as stock.StopMessage
        expect(stock.StopMessage.decode(StopMessage.encode(message))).toEqual(theirs)
        expect(StopMessage.decode(stock.StopMessage.encode(theirs))).toEqual(message)
      })
    )
  })

  it('writes and reads the same vouchers', () => {
    fc.assert(
      fc.property(voucher, message => {
        expect(stock.ReservationVoucher.decode(VoucherMessage.encode(message))).toEqual(message)
        expect(VoucherMessage.decode(stock.ReservationVoucher.encode(message))).toEqual(message)
      })
    )
  })
})

const joined = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts))
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))

describe('on the wire (hex by the spec)', () => {
  const id = hex('0024 0801')
  it.each<[string, HopMessage, string]>([
    ['RESERVE', { type: 0 }, '08 00'],
    ['CONNECT', { type: 1, peer: { id, addrs: [] } }, '08 01 12 06 0a 04 00240801'],
    ['STATUS of OK', { type: 2, status: 100 }, '08 02 28 64'],
    ['STATUS of NO_RESERVATION', { type: 2, status: 204 }, '08 02 28 cc 01'],
    ['STATUS of MALFORMED_MESSAGE', { type: 2, status: 400 }, '08 02 28 90 03'],
    ['limit', { limit: { duration: 120, data: 131_072n } }, '22 06 08 78 10 80 80 08'],
    ['limit in bytes alone', { limit: { data: 131_072n } }, '22 04 10 80 80 08'],
    [
      'reservation',
      { reservation: { expire: 1_700_000_000n, addrs: [hex('04')], voucher: hex('ff') } },
      '1a 0c 08 80e2cfaa06 12 01 04 1a 01 ff'
    ]
  ])('hop %s', (_name, message, text) => {
    sameBytes(HopMessage.encode(message), hex(text))
    expect(HopMessage.decode(hex(text))).toEqual(message)
  })

  it.each<[string, StopMessage, string]>([
    ['CONNECT', { type: 0, peer: { id, addrs: [] } }, '08 00 12 06 0a 04 00240801'],
    ['limit', { limit: { duration: 120 } }, '1a 02 08 78'],
    ['STATUS of OK', { type: 1, status: 100 }, '08 01 20 64']
  ])('stop %s', (_name, message, text) => {
    sameBytes(StopMessage.encode(message), hex(text))
    expect(StopMessage.decode(hex(text))).toEqual(message)
  })
})

describe('decoding', () => {
  const full: HopMessage = {
    type: 2,
    peer: { id: hex('0102'), addrs: [hex('03'), hex('0405')] },
    reservation: { expire: 1_700_000_000n, addrs: [hex('06')], voucher: hex('070809') },
    limit: { duration: 7200, data: 1n << 40n },
    status: 204
  }

  it.each([
    ['a varint', '78 96 01'],
    ['32 bits', '7d 01020304'],
    ['64 bits', '79 0102030405060708'],
    ['bytes', '7a 02 0102']
  ])('skips an unknown field of %s', (_kind, text) => {
    const unknown = hex(text)
    expect(HopMessage.decode(joined(unknown, HopMessage.encode(full)))).toEqual(full)
    expect(HopMessage.decode(joined(HopMessage.encode(full), unknown))).toEqual(full)
    const peer = joined(hex('0a 01 05'), unknown)
    const inPeer = joined(Uint8Array.of(0x12, peer.byteLength), peer)
    expect(HopMessage.decode(inPeer)).toEqual({ peer: { id: hex('05'), addrs: [] } })
  })

  it('leaves unknown types and statuses to the protocol', () => {
    expect(HopMessage.decode(hex('08 09 28 e7 07'))).toEqual({ type: 9, status: 999 })
  })

  it('reads a message that came in pieces', () => {
    const whole = HopMessage.encode(full)
    for (let cut = 1; cut < whole.byteLength; cut++) {
      const pieces = new Uint8ArrayList(whole.subarray(0, cut), whole.subarray(cut))
      expect(HopMessage.decode(pieces)).toEqual(full)
    }
  })

  it('throws on every message that was cut off inside a field', () => {
    const { type, peer, reservation, limit, status } = full
    const fields: HopMessage[] = [{ type }, { peer }, { reservation }, { limit }, { status }]
    const whole = HopMessage.encode(full)
    let end = 0
    const betweenFields = new Set([0, ...fields.map(field => (end += HopMessage.encode(field).byteLength))])
    expect(end).toBe(whole.byteLength)
    for (let cut = 1; cut < whole.byteLength; cut++) {
      if (betweenFields.has(cut)) continue
      expect(() => HopMessage.decode(whole.subarray(0, cut)), `cut at ${cut}`).toThrow()
    }
  })

  it.each([
    ['a field longer than the message', '12 ff 0a 01 05'],
    ['a field longer than the one around it', '12 03 0a 04 05 28 64 28 28 64'],
    ['a varint that never ends', '08 ffffffffffffffffffffff'],
    ['a wire type that does not exist', '7f'],
    ['a group that never ends', '7b 08 01']
  ])('throws on %s', (_what, text) => {
    expect(() => HopMessage.decode(hex(text))).toThrow()
  })

  it('throws an error, or gives a message, for any bytes at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 128 }), data => {
        for (const codec of [HopMessage, StopMessage, VoucherMessage]) {
          try {
            expect(codec.decode(data)).toBeTypeOf('object')
          } catch (error) {
            expect(error).toBeInstanceOf(Error)
          }
        }
      }),
      { numRuns: 1000 }
    )
  })
})

describe('a field of another wire type than its number has', () => {
  it.each([
    { what: 'type as bytes', hex: '0a00' },
    { what: 'peer as a number', hex: '1001' },
    { what: 'status as bytes', hex: '2a0100' },
    { what: 'a limit’s duration as bytes, inside', hex: '08022203' + '0a0100' }
  ])('is malformed: $what', ({ hex }) => {
    expect(() => HopMessage.decode(Buffer.from(hex, 'hex'))).toThrow(RangeError)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  encodeBytes,
  encodeFlag,
  Flag,
  FRAME_BYTES,
  FrameReader,
  LONGEST_MESSAGE_BYTES
} from '../../../../app/main/relay/webrtc/frames.ts'

/** What was read, with what lies beside each other put together: how bytes were cut means nothing. */
function read(messages: readonly Uint8Array[]): { bytes: string; flags: number[] } {
  const reader = new FrameReader()
  const parts: Buffer[] = []
  const flags: number[] = []
  for (const message of messages) {
    for (const { bytes, flag } of reader.read(Buffer.from(message))) {
      if (bytes !== undefined) parts.push(Buffer.from(bytes))
      if (flag !== undefined) flags.push(flag)
    }
  }
  return { bytes: Buffer.concat(parts).toString('hex'), flags }
}

describe('frames of a data channel', () => {
  it('are what other implementations write', () => {
    expect(encodeBytes(Buffer.from('abc')).toString('hex')).toBe('051203616263')
    expect(encodeFlag(Flag.fin).toString('hex')).toBe('020800')
    expect(encodeFlag(Flag.finAck).toString('hex')).toBe('020803')
  })

  it('are no longer than a message may be', () => {
    expect(encodeBytes(new Uint8Array(FRAME_BYTES)).byteLength).toBeLessThanOrEqual(LONGEST_MESSAGE_BYTES)
  })

  it('are read as they were written, wherever they are cut', () => {
    const piece = fc.uint8Array({ maxLength: 300 })
    const cuts = fc.array(fc.nat(2000), { maxLength: 20 })
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), cuts, (pieces, at) => {
        const whole = Buffer.concat([
          ...pieces.map(each => Buffer.from(encodeBytes(each))),
          encodeFlag(Flag.fin)
        ])
        const places = [
          0,
          ...at.map(place => place % whole.byteLength).sort((a, b) => a - b),
          whole.byteLength
        ]
        const messages = places.slice(1).map((end, index) => whole.subarray(places[index], end))
        expect(read(messages)).toEqual({ bytes: Buffer.concat(pieces).toString('hex'), flags: [Flag.fin] })
      })
    )
  })

  it('may hold bytes, a flag and what is not known', () => {
    const frame = Buffer.from(`110800${'1a0199'}21${'00'.repeat(8)}120161`, 'hex')
    expect(read([frame])).toEqual({ bytes: '61', flags: [Flag.fin] })
  })

  it.each([
    ['longer than any', 'ffff03'],
    ['with bytes that go beyond its end', '03120561'],
    ['with a number that has no end', 'ffffffffffff'],
    ['with a field of no known type', '020b00']
  ])('%s are refused', (_, hex) => {
    expect(() => read([Buffer.from(hex, 'hex'), new Uint8Array(100)])).toThrow(RangeError)
  })

  it('that are damaged are refused or read, and take no more than was there', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), bytes => {
        try {
          expect(read([bytes]).bytes.length / 2).toBeLessThanOrEqual(bytes.byteLength)
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
        }
      })
    )
  })
})

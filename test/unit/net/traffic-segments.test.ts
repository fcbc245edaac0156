import { describe, expect, it } from 'vitest'
import { Segments } from '../../../app/main/net/segments.ts'

const MAX = 1448
const MULTISTREAM = '\x13/multistream/1.0.0\n'

/** What comes, read by read, and how many segments that was. */
function count(...reads: (string | Buffer)[]): number {
  const segments = new Segments(MAX)
  return total(segments, reads)
}

function total(segments: Segments, reads: readonly (string | Buffer)[]): number {
  return reads
    .map(read => Buffer.from(read as string, 'latin1'))
    .reduce((sum, read) => sum + segments.take(read.byteLength, read), 0)
}

const noise = (...lengths: number[]): Buffer =>
  Buffer.concat(
    lengths.map(length => Buffer.concat([Buffer.from([length >> 8, length & 255]), Buffer.alloc(length)]))
  )
const record = (length: number): Buffer =>
  Buffer.concat([Buffer.from([0x17, 3, 3, length >> 8, length & 255]), Buffer.alloc(length)])
/** A masked frame, as clients send them. */
const frame = (length: number): Buffer => {
  const size = length < 126 ? [length | 0x80] : [126 | 0x80, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([0x82, ...size, 1, 2, 3, 4]), Buffer.alloc(length)])
}

describe('Segments', () => {
  const cases: { what: string; reads: (string | Buffer)[]; segments: number }[] = [
    { what: 'bytes of no known kind by their size', reads: [Buffer.alloc(3 * MAX)], segments: 3 },
    { what: 'each read of no known kind', reads: ['abc', 'def'], segments: 2 },
    { what: 'messages that were read together', reads: [`${MULTISTREAM}\x07/noise\n`], segments: 2 },
    { what: 'Noise messages', reads: [`${MULTISTREAM}\x07/noise\n`, noise(32, 48, 136)], segments: 5 },
    {
      what: 'Noise messages that come in pieces',
      reads: [`${MULTISTREAM}\x07/noise\n`, noise(32, 48).subarray(0, 35), noise(32, 48).subarray(35)],
      segments: 4
    },
    { what: 'a large Noise message', reads: [`${MULTISTREAM}\x07/noise\n`, noise(2 * MAX)], segments: 5 },
    {
      what: 'TLS records',
      reads: [`${MULTISTREAM}\x0b/tls/1.0.0\n`, Buffer.concat([record(100), record(2000)])],
      segments: 5
    },
    {
      what: 'messages after a protocol that was refused',
      reads: [`${MULTISTREAM}\x03na\n\x07/noise\n`, noise(32, 48)],
      segments: 5
    },
    {
      what: 'WebSocket frames after the request for them',
      reads: ['GET / HTTP/1.1\r\n\r\n', Buffer.concat([frame(1), frame(19), frame(300)])],
      segments: 4
    },
    {
      what: 'WebSocket frames whose request was not seen',
      reads: [Buffer.concat([frame(1), frame(19)])],
      segments: 2
    }
  ]

  it.each(cases)('counts $what', ({ reads, segments }) => {
    expect(count(...reads)).toBe(segments)
  })

  it('counts a header that arrives alone, and then those before it', () => {
    const segments = new Segments(MAX)
    expect(total(segments, [`${MULTISTREAM}\x07/noise\n`, noise(32, 48)])).toBe(4)
    expect(total(segments, [noise(136).subarray(0, 2)])).toBe(2 + 4)
    expect(total(segments, [noise(136).subarray(2), noise(20)])).toBe(2)
  })

  it('counts headers by themselves once told so, and only once', () => {
    const segments = new Segments(MAX)
    total(segments, [`${MULTISTREAM}\x07/noise\n`])
    expect(segments.headersApart()).toBe(2)
    expect(segments.headersApart()).toBe(0)
    expect(total(segments, [noise(10)])).toBe(2)
  })

  it('takes no part of a large message for a header alone', () => {
    const segments = new Segments(MAX)
    total(segments, [`${MULTISTREAM}\x07/noise\n`])
    const bytes = Buffer.concat([noise(MAX), noise(500)])
    expect(total(segments, [bytes.subarray(0, MAX + 4)])).toBe(3)
  })

  it('believes no flood of messages without content', () => {
    const segments = new Segments(MAX)
    total(segments, [`${MULTISTREAM}\x07/noise\n`])
    expect(total(segments, [Buffer.alloc(14_000)])).toBe(1001)
    expect(segments.headersApart()).toBe(2 + 1001)
  })

  it('goes by the size for the rest once bytes were not seen', () => {
    const segments = new Segments(MAX)
    total(segments, [`${MULTISTREAM}\x07/noise\n`])
    segments.take(500, undefined)
    expect(total(segments, [noise(32, 48)])).toBe(1)
  })

  it('goes by the size where the bytes were not seen', () => {
    expect(new Segments(MAX).take(2 * MAX + 1, undefined)).toBe(3)
  })
})

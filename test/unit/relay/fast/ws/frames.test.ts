import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  binaryInPlace,
  closeFrame,
  FrameError,
  FrameParser,
  mask,
  mostHeadBytes,
  pongFrame,
  type Role
} from '../../../../../app/main/relay/fast/ws/frames.ts'

const KEY = Buffer.from('37fa213d', 'hex')

interface Parsed {
  payload: Buffer
  pings: string[]
  closes: (number | undefined)[]
  refusal?: number
}

/** Each piece lies in memory of its own, at that offset. */
function parse(role: Role, pieces: Uint8Array[], offset = 0): Parsed {
  const payload: Buffer[] = []
  const parsed: Parsed = { payload: Buffer.alloc(0), pings: [], closes: [] }
  const parser = new FrameParser(role, {
    onPayload: bytes => payload.push(Buffer.from(bytes)),
    onPing: bytes => parsed.pings.push(bytes.toString()),
    onClose: code => parsed.closes.push(code)
  })
  try {
    for (const piece of pieces) {
      const memory = Buffer.alloc(piece.byteLength + offset)
      memory.set(piece, offset)
      parser.push(memory.subarray(offset))
      memory.fill(0xaa)
    }
  } catch (error) {
    if (!(error instanceof FrameError)) throw error
    parsed.refusal = error.closeCode
  }
  return { ...parsed, payload: Buffer.concat(payload) }
}

const hex = (...parts: string[]): Buffer => Buffer.from(parts.join('').replaceAll(' ', ''), 'hex')

/** A frame as the specification's words have it, byte by byte. */
function frame(first: number, payload: Uint8Array, key?: Uint8Array): Buffer {
  const { byteLength } = payload
  const masked = key === undefined ? 0 : 0x80
  const head =
    byteLength < 126
      ? [first, masked | byteLength]
      : byteLength < 65_536
        ? [first, masked | 126, byteLength >> 8, byteLength & 255]
        : [first, masked | 127, 0, 0, 0, 0, 0, byteLength >> 16, (byteLength >> 8) & 255, byteLength & 255]
  const bytes = payload.map((byte, i) => byte ^ (key?.[i % 4] ?? 0))
  return Buffer.concat([Buffer.from(head), key ?? Buffer.alloc(0), bytes])
}

describe('what comes in', () => {
  it("is read as in the specification's examples (RFC 6455, section 5.7), as binary", () => {
    expect(parse('client', [hex('82 05 48 65 6c 6c 6f')]).payload.toString()).toBe('Hello')
    expect(parse('server', [hex('82 85 37 fa 21 3d 7f 9f 4d 51 58')]).payload.toString()).toBe('Hello')
    expect(parse('client', [hex('02 03 48 65 6c', '80 02 6c 6f')]).payload.toString()).toBe('Hello')
    expect(parse('client', [hex('89 05 48 65 6c 6c 6f')]).pings).toEqual(['Hello'])
    expect(parse('server', [hex('8a 85 37 fa 21 3d 7f 9f 4d 51 58')])).toMatchObject({
      pings: [],
      closes: []
    })
    const [short, long] = [Buffer.alloc(256, 7), Buffer.alloc(65_536, 9)]
    expect(parse('client', [hex('82 7e 01 00'), short]).payload.equals(short)).toBe(true)
    expect(parse('client', [hex('82 7f 00 00 00 00 00 01 00 00'), long]).payload.equals(long)).toBe(true)
  })

  it('may be split anywhere, and lie anywhere in memory', () => {
    const content = Buffer.from(Array.from({ length: 400 }, (_, i) => i & 255))
    const stream = Buffer.concat([
      frame(0x02, content.subarray(0, 5), KEY),
      frame(0x89, Buffer.from('ping'), KEY),
      frame(0x00, content.subarray(5, 5), KEY),
      frame(0x80, content.subarray(5, 300), KEY),
      frame(0x82, content.subarray(300), KEY),
      frame(0x88, hex('03e9'), KEY)
    ])
    for (let cut = 0; cut <= stream.byteLength; cut++) {
      const parsed = parse('server', [stream.subarray(0, cut), stream.subarray(cut)], cut % 8)
      expect(parsed.payload.equals(content)).toBe(true)
      expect(parsed).toMatchObject({ pings: ['ping'], closes: [1001] })
    }
    const bytes = parse(
      'server',
      Array.from(stream, byte => Uint8Array.of(byte))
    )
    expect(bytes.payload.equals(content)).toBe(true)
    expect(bytes).toMatchObject({ pings: ['ping'], closes: [1001] })
  })

  it('is the same however it is fragmented and split', () => {
    const part = fc.record({
      content: fc.uint8Array({ maxLength: 300 }),
      key: fc.uint8Array({ minLength: 4, maxLength: 4 }),
      ping: fc.boolean()
    })
    const cuts = fc.array(fc.nat(4000), { maxLength: 12 })
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), cuts, fc.nat(7), (parts, at, offset) => {
        const frames = parts.flatMap(({ content, key, ping }, i) => {
          const first = (i === 0 ? 2 : 0) | (i === parts.length - 1 ? 0x80 : 0)
          return [...(ping ? [frame(0x89, key, key)] : []), frame(first, content, key)]
        })
        const stream = Buffer.concat(frames)
        const ends = [...at.filter(cut => cut < stream.byteLength).sort((a, b) => a - b), stream.byteLength]
        const pieces = ends.map((end, i) => stream.subarray(ends[i - 1] ?? 0, end))
        const { payload, pings, refusal } = parse('server', pieces, offset)
        expect(payload.equals(Buffer.concat(parts.map(({ content }) => content)))).toBe(true)
        expect(pings.length).toBe(parts.filter(({ ping }) => ping).length)
        expect(refusal).toBeUndefined()
      })
    )
  })

  it('is refused, or read, where it is garbage', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), fc.constantFrom('server', 'client'), parse1)
    )
    function parse1(pieces: Uint8Array[], role: Role): void {
      const { refusal = 1002 } = parse(role, pieces)
      expect([1002, 1003, 1009]).toContain(refusal)
    }
  })

  it.each<[string, Role, Buffer, number]>([
    ['a text message', 'server', frame(0x81, Buffer.from('hi'), KEY), 1003],
    ['a first reserved bit', 'server', frame(0xc2, Buffer.from('hi'), KEY), 1002],
    ['a second one', 'server', frame(0xa2, Buffer.from('hi'), KEY), 1002],
    ['a third one', 'server', frame(0x92, Buffer.from('hi'), KEY), 1002],
    ['a reserved opcode for data', 'server', frame(0x83, Buffer.from('hi'), KEY), 1002],
    ['a reserved opcode for control', 'server', frame(0x8b, Buffer.from('hi'), KEY), 1002],
    ["a client's frame without a mask", 'server', frame(0x82, Buffer.from('hi')), 1002],
    ["an empty client's frame without a mask", 'server', frame(0x82, Buffer.alloc(0)), 1002],
    ["a server's frame with a mask", 'client', frame(0x82, Buffer.from('hi'), KEY), 1002],
    ['a continuation of nothing', 'server', frame(0x80, Buffer.from('hi'), KEY), 1002],
    [
      'a message within a message',
      'server',
      Buffer.concat([frame(0x02, Buffer.from('a'), KEY), frame(0x82, Buffer.from('b'), KEY)]),
      1002
    ],
    ['a ping in fragments', 'server', frame(0x09, Buffer.from('hi'), KEY), 1002],
    ['a ping of 126 bytes', 'server', frame(0x89, Buffer.alloc(126), KEY), 1002],
    ['a close of 126 bytes', 'server', frame(0x88, Buffer.alloc(126), KEY), 1002],
    ['a close of one byte', 'server', frame(0x88, hex('03'), KEY), 1002],
    ['a close with a code that is never sent', 'server', frame(0x88, hex('03ed'), KEY), 1002],
    ['a close with a code of nobody', 'server', frame(0x88, hex('07d0'), KEY), 1002],
    ['more than 2^53 bytes', 'server', hex('82 ff 00 20 00 00 00 00 00 00 37 fa 21 3d'), 1009],
    ['a negative length', 'server', hex('82 ff ff ff ff ff ff ff ff ff 37 fa 21 3d'), 1009]
  ])('is refused with %s', (_, role, bytes, code) => {
    expect(parse(role, [bytes]).refusal).toBe(code)
    expect(
      parse(
        role,
        Array.from(bytes, byte => Uint8Array.of(byte))
      ).refusal
    ).toBe(code)
  })

  it('may be a message of 2^53 - 1 bytes, of which nothing is kept', () => {
    const parsed = parse('server', [hex('82 ff 00 1f ff ff ff ff ff ff 00 00 00 00'), Buffer.alloc(99)])
    expect(parsed.payload.byteLength).toBe(99)
  })

  it('ends with a close', () => {
    const parsed = parse('client', [Buffer.concat([hex('88 00'), frame(0x82, Buffer.from('late'))])])
    expect(parsed).toMatchObject({ closes: [undefined] })
    expect(parsed.payload.byteLength).toBe(0)
  })
})

describe('what goes out', () => {
  it.each([0, 1, 125, 126, 65_535, 65_536, 131_072])(
    'is a frame before and over %i bytes, in place',
    length => {
      for (const role of ['server', 'client'] as const) {
        const start = mostHeadBytes(role) + 1
        const page = Buffer.alloc(start + length + 1, 0x55)
        const key = role === 'client' ? KEY : undefined
        const from = binaryInPlace(page, start, start + length, key)
        expect(from).toBeGreaterThan(0)
        expect(page.subarray(from, -1).equals(frame(0x82, Buffer.alloc(length, 0x55), key))).toBe(true)
        expect([page[0], page.at(-1)]).toEqual([0x55, 0x55])
      }
    }
  )

  it('may be a pong, or a close', () => {
    expect(pongFrame(Buffer.from('Hello'), KEY).equals(hex('8a 85 37 fa 21 3d 7f 9f 4d 51 58'))).toBe(true)
    expect(closeFrame(1000).equals(hex('88 02 03 e8'))).toBe(true)
    expect(closeFrame(undefined).equals(hex('88 00'))).toBe(true)
  })
})

it('masks as byte by byte, wherever the bytes lie', () => {
  const key = fc.uint8Array({ minLength: 4, maxLength: 4 })
  fc.assert(
    fc.property(
      fc.nat(20),
      fc.nat(400),
      fc.nat(9),
      key,
      fc.nat(1000),
      (offset, length, start, with_, passed) => {
        const memory = Buffer.alloc(offset + start + length + 9)
        for (let i = 0; i < memory.byteLength; i++) memory[i] = (i * 31) & 255
        const bytes = memory.subarray(offset)
        const expected = Buffer.from(bytes)
        for (let i = 0; i < length; i++) expected[start + i]! ^= with_[(passed + i) & 3]!
        mask(bytes, start, start + length, with_, passed)
        expect(bytes.equals(expected)).toBe(true)
      }
    )
  )
})

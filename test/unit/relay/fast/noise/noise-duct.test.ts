import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CipherState, LAST_NONCE } from '../../../../../app/main/relay/fast/noise/cipher.ts'
import { TAG_BYTES } from '../../../../../app/main/relay/fast/noise/crypto.ts'
import { loadSodium } from '../../../../../app/main/relay/fast/noise/load-crypto.ts'
import { NoiseDuct } from '../../../../../app/main/relay/fast/noise/noise-duct.ts'
import { RawMemoryDuct, Recorder, turn, until } from './raw-memory-duct.ts'

const crypto = await loadSodium()
const KEYS = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)] as const
const MOST_TEXT_BYTES = 65_519

interface Side {
  raw: RawMemoryDuct
  duct: NoiseDuct
  reader: Recorder
}

function side(raw: RawMemoryDuct, sendKey: Buffer, receiveKey: Buffer, nonce = 0): Side {
  const send = new CipherState(crypto, sendKey, nonce)
  const duct = new NoiseDuct(raw, { send, receive: new CipherState(crypto, receiveKey, nonce) })
  const reader = new Recorder()
  duct.reader = reader
  duct.resume()
  return { raw, duct, reader }
}

function pair(nonce = 0): [Side, Side] {
  const [a, b] = RawMemoryDuct.pair()
  return [side(a, KEYS[0], KEYS[1], nonce), side(b, KEYS[1], KEYS[0], nonce)]
}

/** Frames as the first side of a pair sends them, each with the text given. */
function frames(...texts: Buffer[]): Buffer {
  const cipher = new CipherState(crypto, KEYS[0])
  const sealed = texts.map(text => {
    const frame = Buffer.concat([Buffer.alloc(2), text, Buffer.alloc(TAG_BYTES)])
    frame.writeUInt16BE(text.byteLength + TAG_BYTES)
    cipher.encrypt(frame, 2, text.byteLength)
    return frame
  })
  return Buffer.concat(sealed)
}

/** Bytes that are not the same anywhere else in the stream. */
function numbered(length: number, from = 0): Buffer {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at++) bytes[at] = ((from + at) * 2_654_435_761) >>> 24
  return bytes
}

const text = (value: string): Buffer => Buffer.from(value)
const texts = ({ reader }: Side): string[] => reader.received.map(String)

describe('a Noise duct', () => {
  it('carries any writes, however they are cut on their way, and whenever the reader pauses', async () => {
    const writes = fc.array(
      fc.oneof(
        fc.nat(40),
        fc.nat(5_000),
        fc.integer({ min: MOST_TEXT_BYTES - 2, max: 2 * MOST_TEXT_BYTES + 2 })
      ),
      { maxLength: 8 }
    )
    const cuts = fc.infiniteStream(
      fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 150_000 }))
    )
    const choices = fc.infiniteStream(fc.nat(5))
    await fc.assert(
      fc.asyncProperty(writes, cuts, choices, async (lengths, pieces, chosen) => {
        const [a, b] = pair()
        b.raw.pieceBytes = () => Math.max(pieces.next().value as number, b.raw.peer.pagesSent > 3 ? 500 : 0)
        b.reader.onPiece = () => {
          const choice: unknown = chosen.next().value
          if (choice === 0) b.duct.pause()
          if (choice === 1) {
            b.duct.pause()
            b.duct.resume()
          }
          if (choice === 0) setImmediate(() => b.duct.resume())
        }
        const sent: Buffer[] = []
        let total = 0
        for (const length of lengths) {
          const bytes = numbered(length, total)
          total += length
          sent.push(Buffer.from(bytes))
          a.duct.write(bytes)
          bytes.fill(0)
          if (chosen.next().value === 0) a.duct.flush()
          if (chosen.next().value === 0) await turn()
        }
        a.duct.end()
        await until(() => b.reader.ends > 0 || b.reader.closes > 0)
        expect(b.reader.bytes.equals(Buffer.concat(sent))).toBe(true)
      }),
      { numRuns: 60 }
    )
  })

  it('makes one frame of what is written within a turn, and sends it by itself', async () => {
    const [a, b] = pair()
    a.duct.write(text('one '))
    a.duct.write(text('two '))
    await turn()
    a.duct.write(text('three'))
    await until(() => b.reader.received.length === 2)
    expect(texts(b)).toEqual(['one two ', 'three'])
  })

  it('hands on frame by frame, and nothing for an empty one', async () => {
    const [, b] = pair()
    b.raw.put(frames(text('one'), text(''), text('two')))
    await until(() => b.reader.received.length === 2)
    expect(texts(b)).toEqual(['one', 'two'])
  })

  it('hands on no more once it is paused, and the rest before what comes later', async () => {
    const [, b] = pair()
    b.reader.onPiece = () => b.duct.pause()
    b.raw.put(frames(text('one'), text('two'), text('three')))
    await until(() => b.reader.received.length === 1)
    await turn()
    expect(b.raw.isPaused).toBe(true)
    b.duct.resume()
    expect(texts(b)).toEqual(['one'])
    await until(() => b.reader.received.length === 2)
    await turn()
    b.reader.onPiece = () => {}
    b.raw.put(frames(text('one'), text('two'), text('three'), text('four')).subarray(-22))
    b.duct.resume()
    await until(() => b.reader.received.length === 4)
    expect(texts(b)).toEqual(['one', 'two', 'three', 'four'])
    expect(b.raw.isPaused).toBe(false)
  })

  it('says that the other side has ended only after all it sent', async () => {
    const [a, b] = pair()
    b.reader.onPiece = () => b.duct.pause()
    a.duct.write(numbered(3 * MOST_TEXT_BYTES))
    a.duct.end()
    for (let frame = 1; frame <= 3; frame++) {
      await until(() => b.reader.received.length === frame)
      await turn()
      expect(b.reader.ends).toBe(0)
      b.duct.resume()
    }
    await until(() => b.reader.ends === 1)
  })

  it('keeps order where bytes and the end come while it hands some on', async () => {
    for (const paused of [false, true]) {
      const [, b] = pair()
      const all = frames(text('one'), text('two'), text('three'))
      b.reader.onPiece = () => {
        b.reader.onPiece = () => {}
        if (paused) b.duct.pause()
        b.raw.reader?.onBytes(Buffer.from(all.subarray(30)))
        b.raw.reader?.onEnd()
      }
      b.raw.reader?.onBytes(Buffer.from(all.subarray(0, 30)))
      expect(texts(b)).toEqual(['one'])
      b.duct.resume()
      await until(() => b.reader.ends === 1)
      await turn()
      expect(texts(b)).toEqual(['one', 'two', 'three'])
      expect(b.reader.ends).toBe(1)
    }
  })

  it('hands on nothing more once the reader has destroyed it', async () => {
    const [a, b] = pair()
    b.reader.onPiece = () => b.duct.destroy(new Error('enough'))
    b.raw.put(frames(text('one'), text('two')))
    expect((await b.reader.closed.promise)?.message).toBe('enough')
    expect(texts(b)).toEqual(['one'])
    expect(b.reader.closes).toBe(1)
    await a.reader.closed.promise
    b.duct.write(text('late'))
    b.duct.flush()
    expect(b.raw.pagesSent).toBe(0)
  })

  it.each([[true], [false]])(
    'hands the next frame to the reader that replaced this one (split: %s)',
    async split => {
      const [, b] = pair()
      const next = new Recorder()
      b.reader.onPiece = () => (b.duct.reader = next)
      if (split) b.raw.pieceBytes = () => 3
      b.raw.put(frames(text('one'), text('two')))
      await until(() => next.received.length === 1)
      expect(texts(b)).toEqual(['one'])
      expect(next.bytes.toString()).toBe('two')
    }
  )

  it('keeps what comes while it has no reader', async () => {
    const [, b] = pair()
    b.reader.onPiece = () => (b.duct.reader = undefined)
    b.raw.put(frames(text('one'), text('two')))
    await until(() => b.reader.received.length === 1)
    await turn()
    expect(b.raw.isPaused).toBe(true)
    b.duct.reader = b.reader
    b.duct.resume()
    await until(() => b.reader.received.length === 2)
    expect(texts(b)).toEqual(['one', 'two'])
  })

  it('tells a reader that comes late that it is over, or has ended', async () => {
    const [a, b] = pair()
    a.duct.reader = undefined
    b.duct.reader = undefined
    a.raw.destroy(new Error('cut'))
    await turn()
    a.duct.reader = a.reader
    expect((await a.reader.closed.promise)?.message).toBe('cut')

    const [, other] = pair()
    other.duct.reader = undefined
    other.raw.reader?.onEnd()
    other.duct.reader = other.reader
    other.duct.pause()
    other.duct.resume()
    await until(() => other.reader.ends === 1)
  })

  it('is destroyed by a frame of which any byte was changed, and hands on nothing of it', async () => {
    const frame = frames(text('some text that nobody may see'))
    for (let at = 0; at < frame.byteLength; at++) {
      const [, b] = pair()
      const changed = Buffer.from(frame)
      changed[at]! ^= 0x80 >> (at % 8)
      // A length that was changed may make it wait for more.
      b.raw.put(Buffer.concat([changed, Buffer.alloc(at < 2 ? 70_000 : 0)]))
      expect((await b.reader.closed.promise)?.name).toBe('InvalidCryptoExchangeError')
      expect(b.reader.received).toEqual([])
    }
  })

  it('is destroyed by a frame that is bad across several reads', async () => {
    const [, b] = pair()
    b.raw.pieceBytes = () => 40_000
    const bad = frames(numbered(60_000))
    bad[50_000]! ^= 1
    b.raw.put(Buffer.concat([bad, frames(text('more'))]))
    expect((await b.reader.closed.promise)?.message).toContain('not what the peer encrypted')
    expect(b.reader.received).toEqual([])
  })

  it('is destroyed by a frame that is shorter than its tag', async () => {
    const [, b] = pair()
    b.raw.put(Buffer.concat([Buffer.from([0, 15]), Buffer.alloc(15)]))
    expect((await b.reader.closed.promise)?.message).toContain('shorter than its tag')
  })

  it('is destroyed by an end in the middle of a frame', async () => {
    for (const length of [1, 2, 10]) {
      const [a, b] = pair()
      b.raw.put(frames(text('text')).subarray(0, length))
      a.raw.end()
      expect((await b.reader.closed.promise)?.message).toContain('in the middle of a Noise message')
      expect(b.reader.ends).toBe(0)
    }
  })

  it.each([
    ['at once', (duct: NoiseDuct) => duct.flush()],
    ['by itself', () => {}]
  ])('is destroyed, and sends nothing in the clear, when its key has been used up (%s)', async (_, flush) => {
    const [a, b] = pair(LAST_NONCE)
    a.duct.write(text('last'))
    a.duct.flush()
    a.duct.write(text('too many'))
    flush(a.duct)
    expect((await a.reader.closed.promise)?.message).toContain('used up')
    expect(a.raw.pagesSent).toBe(1)
    await b.reader.closed.promise
  })

  it('is destroyed in the middle of a write when its key has been used up', async () => {
    const [a] = pair(LAST_NONCE)
    a.duct.write(numbered(4 * MOST_TEXT_BYTES))
    expect((await a.reader.closed.promise)?.message).toContain('used up')
    expect(a.raw.pagesSent).toBeLessThanOrEqual(1)
  })

  it('passes on that the duct below is full, drains and fails', async () => {
    const [a] = pair()
    a.raw.full = true
    expect(a.duct.full).toBe(true)
    a.raw.reader?.onDrain()
    expect(a.reader.drains).toBe(1)
    a.raw.destroy(new Error('cut'))
    expect((await a.reader.closed.promise)?.message).toBe('cut')
  })
})

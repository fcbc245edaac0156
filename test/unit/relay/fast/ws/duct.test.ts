import { describe, expect, it } from 'vitest'
import { closeFrame, pongFrame } from '../../../../../app/main/relay/fast/ws/frames.ts'
import { WsDuct } from '../../../../../app/main/relay/fast/ws/duct.ts'
import { Heard, MemoryRaw } from './memory-raw.ts'

const NO_KEY = Buffer.alloc(4)
/** A frame of a client whose mask changes nothing. */
const frame = (opcode: number, text: string): Buffer =>
  Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | text.length]), NO_KEY, Buffer.from(text)])
const binary = (text: string): Buffer => frame(2, text)
const soon = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

function setup() {
  const raw = new MemoryRaw()
  const duct = new WsDuct(raw, 'server')
  const heard = new Heard()
  duct.reader = heard
  duct.resume()
  return { raw, duct, heard }
}

describe('a WebSocket as a duct', () => {
  it('leaves room for its own head, and for that of the duct below', () => {
    expect(setup().duct.headroom).toBe(3 + 10)
    expect(new WsDuct(new MemoryRaw(), 'client').headroom).toBe(3 + 14)
  })

  it('hands on pieces in order, and sends a page as one message', () => {
    const { raw, duct, heard } = setup()
    raw.arrive(Buffer.concat([binary('one '), binary('two '), binary('three')]))
    expect(heard.bytes.toString()).toBe('one two three')
    let released = 0
    const page = { bytes: Buffer.from('..............out'), release: () => released++ }
    duct.send(page, 14, 17)
    expect([raw.sent.toString('latin1'), released]).toEqual(['\x82\x03out', 1])
  })

  it('sends nothing for an empty page', () => {
    const { raw, duct } = setup()
    let released = 0
    duct.send({ bytes: Buffer.alloc(20), release: () => released++ }, 13, 13)
    expect([raw.sent.byteLength, released]).toEqual([0, 1])
  })

  it('brings back what was not wanted before what followed in the same read', async () => {
    const { raw, duct } = setup()
    const second = new Heard()
    duct.reader = {
      ...new Heard(),
      onBytes: bytes => {
        duct.pause()
        duct.unshift(bytes.subarray(2))
        duct.reader = second
      }
    } as Heard
    raw.arrive(Buffer.concat([binary('abcd'), binary('ef'), closeFrame(1000, NO_KEY)]))
    expect([raw.paused, second.bytes.byteLength, second.ended]).toEqual([true, 0, 0])
    duct.resume()
    await soon()
    expect([second.bytes.toString(), second.ended]).toEqual(['cdef', 1])
  })

  it('stops the duct below while it is paused', () => {
    const { raw, duct } = setup()
    expect(raw.paused).toBe(false)
    duct.pause()
    expect(raw.paused).toBe(true)
    duct.resume()
    expect(raw.paused).toBe(false)
  })

  it('answers the last ping of a read, once', () => {
    const { raw } = setup()
    raw.arrive(Buffer.concat([frame(9, 'first'), frame(9, 'last'), frame(10, 'unasked')]))
    expect(raw.sent.equals(pongFrame(Buffer.from('last')))).toBe(true)
  })

  it('answers no pings of one who does not read', () => {
    const { raw } = setup()
    raw.full = true
    raw.arrive(frame(9, 'hello'))
    expect(raw.sent.byteLength).toBe(0)
  })

  it('answers a close with its code, and ends', () => {
    const { raw, duct, heard } = setup()
    raw.arrive(Buffer.concat([binary('last'), closeFrame(1001, NO_KEY), binary('late')]))
    expect(raw.sent.equals(closeFrame(1001))).toBe(true)
    expect([heard.bytes.toString(), heard.ended, raw.ended]).toEqual(['last', 1, true])
    duct.send({ bytes: Buffer.alloc(20), release: () => {} }, 14, 20)
    expect(raw.takeSent().byteLength).toBe(4)
    raw.destroy()
    expect(heard.closed).toEqual([undefined])
  })

  it('closes with 1000, and takes what is still on its way', () => {
    const { raw, duct, heard } = setup()
    duct.end()
    expect(raw.sent.equals(closeFrame(1000))).toBe(true)
    raw.arrive(binary('on its way'))
    raw.arrive(closeFrame(1000, NO_KEY))
    expect([heard.bytes.toString(), heard.ended, raw.takeSent().byteLength]).toEqual(['on its way', 1, 4])
    raw.destroy()
  })

  it('tells of the end of a socket without a close', () => {
    const { raw, heard } = setup()
    raw.reader?.onEnd()
    raw.reader?.onClose()
    expect([heard.ended, heard.closed]).toEqual([1, [undefined]])
  })

  it('says why it refuses, tells its reader once, and reads no more', () => {
    const { raw, heard } = setup()
    raw.arrive(frame(1, 'text'))
    expect([raw.sent.equals(closeFrame(1003)), raw.ended]).toEqual([true, true])
    raw.arrive(binary('more'))
    raw.destroy()
    expect(heard.closed.map(error => error?.message)).toEqual(['a text message'])
    expect(heard.bytes.byteLength).toBe(0)
  })

  it('tells nothing but the close after it was destroyed, even within a read', () => {
    const { raw, duct, heard } = setup()
    duct.reader = {
      onBytes: bytes => {
        heard.onBytes(bytes)
        duct.destroy(new Error('enough'))
      },
      onDrain: () => heard.onDrain(),
      onEnd: () => heard.onEnd(),
      onClose: error => heard.onClose(error)
    }
    raw.arrive(Buffer.concat([binary('one'), binary('two'), frame(9, 'ping'), closeFrame(1000, NO_KEY)]))
    expect([heard.bytes.toString(), heard.ended, raw.sent.byteLength]).toEqual(['one', 0, 0])
    expect(heard.closed.map(error => error?.message)).toEqual(['enough'])
  })

  it('tells a reader that comes late of the end, and that it is over', async () => {
    const [raw, over] = [new MemoryRaw(), new MemoryRaw()]
    const [duct, destroyed] = [new WsDuct(raw, 'server'), new WsDuct(over, 'server')]
    duct.resume()
    raw.arrive(closeFrame(1000, NO_KEY))
    destroyed.destroy(new Error('enough'))
    await soon()
    const [late, later, last] = [new Heard(), new Heard(), new Heard()]
    duct.reader = late
    destroyed.reader = last
    await soon()
    expect([late.ended, late.closed]).toEqual([1, []])
    raw.destroy()
    duct.reader = later
    await soon()
    expect([late.closed, later.ended, later.closed]).toEqual([[undefined], 0, []])
    expect([last.ended, last.closed.map(String)]).toEqual([0, ['Error: enough']])
  })

  it('gives a reader that comes late what came meanwhile, before the end', async () => {
    const raw = new MemoryRaw()
    const duct = new WsDuct(raw, 'server')
    duct.resume()
    raw.arrive(Buffer.concat([binary('early'), closeFrame(1000, NO_KEY)]))
    const late = new Heard()
    duct.reader = late
    expect([late.bytes.byteLength, late.ended]).toEqual([0, 0])
    await soon()
    expect([late.bytes.toString(), late.ended]).toEqual(['early', 1])
    raw.destroy()
  })
})

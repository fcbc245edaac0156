import { describe, expect, it } from 'vitest'
import { DialBack, V1Message, V2Message } from '../../../app/main/relay/reach/messages.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytes = (text: string): Uint8Array => Buffer.from(text, 'hex')

/** By the field numbers of libp2p/specs, autonat/autonat-v1.md and autonat-v2.md. */
describe('AutoNAT v2', () => {
  it('asks with addresses and a nonce', () => {
    const encoded = V2Message.encode({ dialRequest: { addrs: [bytes('0405')], nonce: 1n } })
    expect(hex(encoded)).toBe('0a0d0a020405110100000000000000')
  })

  it.each([1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n])('says nonce %s over a dial back', nonce => {
    expect(DialBack.decode(DialBack.encode({ nonce }))).toEqual({ nonce })
  })

  it('reads what came of it', () => {
    expect(V2Message.decode(bytes('120808c801100018c801'))).toEqual({
      dialResponse: { status: 200, addressIndex: 0, dialStatus: 200 }
    })
  })

  it('reads how many bytes a server wants', () => {
    expect(V2Message.decode(bytes('1a06080010b0ea01'))).toEqual({
      dataRequest: { addressIndex: 0, bytes: 30_000n }
    })
  })

  it('sends them', () => {
    expect(hex(V2Message.encode({ data: bytes('ffff') }))).toBe('22040a02ffff')
  })
})

describe('AutoNAT v1', () => {
  it('asks with its peer id and an address', () => {
    const encoded = V1Message.encode({ type: 0, dial: { id: bytes('0102'), addrs: [bytes('04')] } })
    expect(hex(encoded)).toBe('080012090a070a020102120104')
  })

  it('reads an OK, and an error with its text', () => {
    expect(V1Message.decode(bytes('08011a020800'))).toEqual({ type: 1, response: { status: 0 } })
    expect(V1Message.decode(bytes('08011a06086412026e6f'))).toEqual({
      type: 1,
      response: { status: 100, text: 'no' }
    })
  })
})

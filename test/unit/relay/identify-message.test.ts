import { expect, it } from 'vitest'
import {
  framedMessage,
  IdentifyMessage,
  MAX_MESSAGES,
  merged,
  MessageReader
} from '../../../app/main/relay/identify/message.ts'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const small: IdentifyMessage = {
  publicKey: bytes(1),
  listenAddrs: [bytes(2), bytes(3, 3)],
  protocols: ['/a', '/b'],
  observedAddr: bytes(4),
  protocolVersion: 'ipfs/0.1.0',
  agentVersion: 'somebody/1',
  signedPeerRecord: bytes(5)
}
const long: IdentifyMessage = { listenAddrs: [], protocols: ['/' + 'x'.repeat(8000)] }
const framed = (message: IdentifyMessage): Uint8Array => framedMessage(IdentifyMessage.encode(message))
const plain = ({ messages }: MessageReader): unknown[] =>
  messages.map(message => IdentifyMessage.encode(message).toString())

it('reads what it has written, however it is split', () => {
  const all = Buffer.concat([framed(small), framed(long)])
  for (const size of [1, 2, 3, 100, all.length]) {
    const reader = new MessageReader()
    for (let at = 0; at < all.length; at += size) reader.push(all.subarray(at, at + size))
    expect(plain(reader)).toEqual([small, long].map(each => IdentifyMessage.encode(each).toString()))
  }
})

it('keeps nothing of the bytes it was given', () => {
  const given = Buffer.from(framed(small))
  const reader = new MessageReader()
  reader.push(given)
  given.fill(0)
  expect(reader.messages[0]?.protocols).toEqual(small.protocols)
  expect(reader.messages[0]?.publicKey?.[0]).toBe(1)
})

it.each([
  ['a length over 8 KiB', bytes(0x81, 0x40)],
  ['a length of three bytes', bytes(0x80, 0x80, 0x01)],
  ['a message that is none', bytes(2, 0x08, 0x01)]
])('refuses %s', (_, wrong) => {
  expect(() => new MessageReader().push(wrong)).toThrow(RangeError)
})

it('takes no more than ten messages', () => {
  const reader = new MessageReader()
  for (let i = 0; i < MAX_MESSAGES + 3; i++) reader.push(framed(small))
  expect(reader.messages).toHaveLength(MAX_MESSAGES)
})

it('makes one message of several', () => {
  const record: IdentifyMessage = {
    listenAddrs: [bytes(9)],
    protocols: ['/b', '/c'],
    signedPeerRecord: bytes(8)
  }
  expect(merged([small, record])).toMatchObject({
    publicKey: bytes(1),
    agentVersion: 'somebody/1',
    signedPeerRecord: bytes(8),
    protocols: ['/a', '/b', '/c'],
    listenAddrs: [bytes(2), bytes(3, 3), bytes(9)]
  })
})

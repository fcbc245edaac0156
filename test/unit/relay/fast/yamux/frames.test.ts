import { describe, expect, it } from 'vitest'
import {
  ACK,
  DATA,
  FIN,
  GO_AWAY,
  INTERNAL_ERROR,
  MOST,
  NORMAL,
  PING,
  PROTOCOL_ERROR,
  RST,
  SYN,
  WINDOW_UPDATE
} from '../../../../../app/main/relay/fast/yamux/frame.ts'
import type { YamuxStream } from '../../../../../app/main/relay/fast/yamux/stream.ts'
import { tick } from './memory-duct.ts'
import { RawPeer, read, Recorder } from './raw-peer.ts'

const KiB = 1024
const accepted = (peer: RawPeer): YamuxStream => peer.listener.accepted[0] as YamuxStream

describe('opening', () => {
  it.each([
    ['a window update', WINDOW_UPDATE, 0, ''],
    ['data', DATA, 5, 'hello']
  ])('takes a stream that is opened by %s, and says so', async (_, type, length, payload) => {
    const peer = new RawPeer()
    peer.write(type, SYN, 1, length, payload)
    expect(await peer.answers()).toEqual([{ type: WINDOW_UPDATE, flags: ACK, stream: 1, length: 0 }])
    expect(accepted(peer)).toMatchObject({ id: '1', direction: 'inbound', status: 'open', protocol: '' })
    const seen = read(accepted(peer))
    await tick()
    expect(seen.text).toBe(payload)
  })

  it('hands on a payload as it comes, however the bytes are cut', async () => {
    for (const pieceBytes of [1, 5, 11, 12, 13]) {
      const peer = new RawPeer()
      peer.write(DATA, SYN, 1, 26, 'abcdefghijklmnopqrstuvwxyz').write(DATA, FIN, 1, 3, 'end')
      peer.push(pieceBytes)
      const sink = new Recorder()
      accepted(peer).join(sink)
      expect(sink.told.join('')).toBe('abcdefghijklmnopqrstuvwxyzendend')
    }
  })

  it('takes what opens, sends and ends at once', async () => {
    const peer = new RawPeer()
    peer.write(DATA, SYN | FIN, 1, 2, 'hi')
    await peer.settle()
    const seen = read(accepted(peer))
    await tick()
    expect(seen.text).toBe('hi')
    expect(accepted(peer).remoteWriteStatus).toBe('closed')
    await accepted(peer).close()
    expect(accepted(peer).status).toBe('closed')
    expect(await peer.answers()).toEqual([
      { type: WINDOW_UPDATE, flags: ACK, stream: 1, length: 0 },
      { type: WINDOW_UPDATE, flags: FIN, stream: 1, length: 0 }
    ])
  })

  it('makes nothing of a stream that is opened and reset at once', async () => {
    const peer = new RawPeer()
    peer.write(DATA, SYN | RST, 1, 2, 'hi').write(PING, SYN, 0, 7)
    expect(await peer.answers()).toEqual([{ type: PING, flags: ACK, stream: 0, length: 7 }])
    expect(peer.listener.accepted).toEqual([])
  })

  it('refuses more streams than it takes, until one is over', async () => {
    const peer = new RawPeer({ maxInboundStreams: 2 })
    for (const number of [1, 3, 5]) peer.write(DATA, SYN, number, 1, 'x')
    expect((await peer.answers()).map(({ stream, flags }) => [stream, flags])).toEqual([
      [1, ACK],
      [3, ACK],
      [5, RST]
    ])
    peer.write(WINDOW_UPDATE, RST, 1, 0).write(WINDOW_UPDATE, SYN, 7, 0)
    expect((await peer.answers()).map(({ stream, flags }) => [stream, flags])).toEqual([[7, ACK]])
    expect(peer.listener.muxer.streams.map(({ id }) => id).sort()).toEqual(['3', '7'])
  })
})

describe('what breaks the protocol ends the connection with a reason', () => {
  const header = (version: number): Buffer => Buffer.from([version, ...Array<number>(11).fill(0)])
  it.each<[string, (peer: RawPeer) => void]>([
    ['an unknown version', peer => peer.writeBytes(header(1))],
    ['an unknown type', peer => peer.write(4, 0, 0, 0)],
    ['data of no stream', peer => peer.write(DATA, SYN, 0, 0)],
    ['a ping of a stream', peer => peer.write(PING, SYN, 1, 0)],
    ['a ping that neither asks nor answers', peer => peer.write(PING, 0, 0, 0)],
    ['a number of ours', peer => peer.write(WINDOW_UPDATE, SYN, 2, 0)],
    ['a stream opened twice', peer => peer.write(WINDOW_UPDATE, SYN, 1, 0).write(DATA, SYN, 1, 0)],
    ['a window that overflows', peer => peer.write(WINDOW_UPDATE, SYN, 1, MOST)],
    ['a frame larger than the window', peer => peer.write(DATA, SYN, 1, 256 * KiB + 1)],
    [
      'more than the window in several frames',
      peer => {
        peer.write(DATA, SYN, 1, 255 * KiB, Buffer.alloc(255 * KiB)).write(DATA, 0, 1, 1025)
      }
    ]
  ])('%s', async (_, breaks) => {
    const peer = new RawPeer()
    peer.write(WINDOW_UPDATE, SYN, 101, 0)
    await peer.settle()
    const sink = new Recorder()
    accepted(peer).join(sink)
    breaks(peer)
    peer.write(PING, SYN, 0, 1)
    peer.push()
    // The goodbye is on its way though the duct is gone.
    expect(peer.listener.duct.over).toBe(true)
    expect(peer.listener.connection.status).toBe('aborted')
    expect(peer.listener.muxer).toMatchObject({ status: 'closed', streams: [] })
    expect(sink.told).toEqual(['close: YamuxError'])
    await expect(peer.listener.muxer.createStream()).rejects.toThrow()
  })

  it('says goodbye with that reason', async () => {
    const peer = new RawPeer()
    peer.listener.duct.destroy = () => {}
    peer.write(4, 0, 0, 0)
    expect(await peer.answers()).toEqual([{ type: GO_AWAY, flags: 0, stream: 0, length: PROTOCOL_ERROR }])
  })
})

describe('a stream that is over', () => {
  it('may still be sent to: the peer does not know yet', async () => {
    const peer = new RawPeer()
    peer.write(WINDOW_UPDATE, SYN, 1, 0)
    await peer.answers()
    accepted(peer).abort(new Error('no'))
    peer.write(DATA, 0, 1, 300 * KiB, Buffer.alloc(300 * KiB)).write(WINDOW_UPDATE, FIN, 1, 5)
    peer.write(DATA, FIN, 99, 3, 'abc').write(PING, SYN, 0, 9)
    expect(await peer.answers()).toEqual([
      { type: WINDOW_UPDATE, flags: RST, stream: 1, length: 0 },
      { type: PING, flags: ACK, stream: 0, length: 9 }
    ])
  })

  it('drops the rest of a payload when it is reset in the middle of it', async () => {
    const peer = new RawPeer()
    peer.write(WINDOW_UPDATE, SYN, 1, 0)
    await peer.settle()
    const stream = accepted(peer)
    const sink = new Recorder()
    stream.join(sink)
    peer.write(DATA, FIN, 1, 10, '01234').push()
    stream.abort(new Error('no'))
    peer.writeBytes(Buffer.from('56789')).write(PING, SYN, 0, 1)
    expect((await peer.answers()).at(-1)).toMatchObject({ type: PING })
    expect(sink.told).toEqual(['01234', 'close: Error'])
  })

  it('is reset by a frame with data as well, which is nobody’s', async () => {
    const peer = new RawPeer()
    peer.write(WINDOW_UPDATE, SYN, 1, 0)
    await peer.settle()
    const seen = read(accepted(peer))
    peer.write(DATA, RST, 1, 4, 'data').write(PING, SYN, 0, 1)
    expect(await peer.answers()).toHaveLength(2)
    expect(seen).toMatchObject({ bytes: 0, error: { name: 'StreamResetError' } })
    expect(accepted(peer).status).toBe('reset')
  })

  it('ignores what comes after the end', async () => {
    const peer = new RawPeer()
    peer.write(DATA, SYN | FIN, 1, 1, 'a').write(DATA, FIN, 1, 1, 'b')
    await peer.settle()
    const seen = read(accepted(peer))
    await tick()
    expect(seen.text).toBe('a')
  })
})

describe('pings', () => {
  it('are answered with their number', async () => {
    const peer = new RawPeer()
    peer.write(PING, SYN, 0, 1).write(PING, SYN, 0, MOST)
    expect(await peer.answers()).toEqual([
      { type: PING, flags: ACK, stream: 0, length: 1 },
      { type: PING, flags: ACK, stream: 0, length: MOST }
    ])
  })

  it('tolerates answers to none', async () => {
    const peer = new RawPeer()
    peer.write(PING, ACK, 0, 1).write(PING, SYN, 0, 2)
    expect(await peer.answers()).toHaveLength(1)
  })

  it.each<[string, (peer: RawPeer, i: number) => void]>([
    ['pings', (peer, i) => peer.write(PING, SYN, 0, i)],
    ['refused streams', (peer, i) => peer.write(WINDOW_UPDATE, SYN, 2 * i + 1, 0)]
  ])('ends the connection of a peer that floods it with %s and reads no answer', async (_, write) => {
    const peer = new RawPeer({ maxInboundStreams: 1 }, 64 * KiB)
    for (let i = 0; i < 40_000 && !peer.listener.duct.over; i += 1000) {
      for (let j = i; j < i + 1000; j++) write(peer, j)
      peer.push()
      await tick()
    }
    expect(peer.listener.duct.over).toBe(true)
    expect(peer.listener.duct.waitingBytes).toBeLessThan(512 * KiB)
  })
})

describe('goodbyes', () => {
  it('lets streams finish that are open, opens no more, and then closes', async () => {
    const peer = new RawPeer()
    peer.write(DATA, SYN, 1, 1, 'a')
    await peer.settle()
    peer.write(GO_AWAY, 0, 0, NORMAL).write(WINDOW_UPDATE, SYN, 3, 0).write(DATA, FIN, 1, 1, 'b')
    expect(await peer.answers()).toMatchObject([{ flags: ACK }, { flags: RST, stream: 3 }])
    await expect(peer.listener.muxer.createStream()).rejects.toMatchObject({ name: 'MuxerClosedError' })
    const stream = accepted(peer)
    stream.send(Buffer.from('c'))
    await stream.close()
    expect(await peer.answers()).toMatchObject([{ payload: 'c' }, { flags: FIN }])
    expect(peer.ended).toBe(true)
    expect(peer.listener.connection.status).toBe('closed')
  })

  it('ends everything at a goodbye for a reason', async () => {
    const peer = new RawPeer()
    peer.write(DATA, SYN, 1, 1, 'a').write(GO_AWAY, 0, 0, INTERNAL_ERROR)
    await peer.settle()
    expect(accepted(peer).status).toBe('aborted')
    expect(peer.listener.connection.status).toBe('aborted')
    expect(peer.listener.duct.over).toBe(true)
  })
})

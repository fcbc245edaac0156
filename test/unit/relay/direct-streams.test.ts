import type { Connection, Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import { select } from '@libp2p/multistream-select'
import { describe, expect, it } from 'vitest'
import { DirectStreams } from '../../../app/main/relay/direct-streams.ts'
import { settle } from './fast/yamux/memory-duct.ts'
import { nodes, read, type Node } from './fast/yamux/raw-peer.ts'

const OURS = '/ours'
const LIBP2P = '/of-libp2p'

interface Greeted {
  both: [Node, Node]
  handled: Stream[]
  /** How often the list of all protocols was made. */
  listed: () => number
}

function greeted(): Greeted {
  const handled: Stream[] = []
  let listed = 0
  const streams = new DirectStreams({ protocols: () => (listed++, [OURS, LIBP2P]) })
  streams.handle(OURS, stream => handled.push(stream))
  const both = nodes({ greet: (stream, muxer, pass) => streams.greet(stream, muxer, pass) })
  streams.connected({ muxer: both[1].muxer } as unknown as Connection)
  return { both, handled, listed: () => listed }
}

const line = (text: string): Buffer => Buffer.from(`${String.fromCharCode(text.length + 1)}${text}\n`)
const proposal = (protocol: string): Buffer => Buffer.concat([line('/multistream/1.0.0'), line(protocol)])

describe('a stream that a peer opened', () => {
  it('goes to the handler of its protocol, with what came along with the proposal', async () => {
    const { both, handled, listed } = greeted()
    const ours = await both[0].muxer.createStream()
    const answer = read(ours)
    ours.send(Buffer.concat([proposal(OURS), Buffer.from('request')]))
    await settle(both[0].duct)
    const [stream] = handled
    expect(stream?.protocol).toBe(OURS)
    expect(answer.text).toBe(proposal(OURS).toString())
    const request = read(stream!)
    await settle(both[0].duct)
    ours.send(Buffer.from(' and more'))
    await ours.close()
    await settle(both[0].duct)
    expect(request).toMatchObject({ text: 'request and more', ended: true })
    expect(listed()).toBe(0)
  })

  it('goes to libp2p where it has the protocol, with what came along', async () => {
    const { both, handled } = greeted()
    const ours = await both[0].muxer.createStream()
    ours.send(Buffer.concat([proposal(LIBP2P), Buffer.from('request')]))
    await settle(both[0].duct)
    expect(handled).toEqual([])
    const [stream] = both[1].accepted
    expect(stream?.protocol).toBe(LIBP2P)
    const request = read(stream!)
    await settle(both[0].duct)
    expect(request.text).toBe('request')
  })

  it('is agreed on however its proposal is cut', async () => {
    const { both, handled } = greeted()
    const ours = await both[0].muxer.createStream()
    const answer = read(ours)
    for (const byte of Buffer.concat([proposal('/neither'), line(OURS)])) {
      ours.send(Buffer.from([byte]))
      await settle(both[0].duct)
    }
    expect(handled).toHaveLength(1)
    expect(answer.text).toBe(Buffer.concat([proposal('na'), line(OURS)]).toString())
  })

  it('is reset where it does not propose as it must, and where its peer resets it nothing is left', async () => {
    const { both, handled } = greeted()
    const ours = await both[0].muxer.createStream()
    ours.send(line('/something/else'))
    await settle(both[0].duct)
    expect(ours.status).toBe('reset')
    const other = await both[0].muxer.createStream()
    other.send(line('/multistream/1.0.0'))
    await settle(both[0].duct)
    other.abort(new Error('enough'))
    await settle(both[0].duct)
    expect([handled, both[1].accepted, both[1].muxer.streams]).toEqual([[], [], []])
  })

  it('waits for its connection where it comes before libp2p has made that', async () => {
    const handled: [Stream, Connection][] = []
    const streams = new DirectStreams({ protocols: () => [OURS] })
    streams.handle(OURS, (stream, connection) => handled.push([stream, connection]))
    const both = nodes({ greet: (stream, muxer, pass) => streams.greet(stream, muxer, pass) })
    const ours = await both[0].muxer.createStream()
    ours.send(Buffer.concat([proposal(OURS), Buffer.from('request')]))
    await settle(both[0].duct)
    expect([handled, both[1].accepted]).toEqual([[], []])
    const connection = { muxer: both[1].muxer } as unknown as Connection
    streams.connected(connection)
    expect(handled.map(([stream, of]) => [stream.protocol, of])).toEqual([[OURS, connection]])
    const seen = read(handled[0]![0])
    await settle(both[0].duct)
    expect(seen.text).toBe('request')
  })

  it('goes to its handler where it is of a muxer that is not ours', async () => {
    const { handled } = greeted()
    const streams = new DirectStreams({ protocols: () => [OURS] })
    const muxer = {} as never
    streams.handle(OURS, stream => handled.push(stream))
    streams.connected({ muxer } as unknown as Connection)
    const [theirs, ours] = await streamPair()
    streams.greet(ours, muxer, () => {})
    expect(await select(theirs, [OURS])).toBe(OURS)
    expect(handled).toEqual([ours])
  })
})

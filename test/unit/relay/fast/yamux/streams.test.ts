import { describe, expect, it } from 'vitest'
import type { MemoryDuct } from './memory-duct.ts'
import { settle, tick } from './memory-duct.ts'
import { node, nodes, read, stream } from './raw-peer.ts'

const KiB = 1024
const WINDOW = 256 * KiB
const none = (): void => {}

describe('as a stream of libp2p', () => {
  it('carries both ways, and closes with both ends', async () => {
    const both = nodes()
    const [ours, theirs] = await stream(both)
    const [answer, question] = [read(ours), read(theirs)]
    ours.send(Buffer.from('question'))
    await ours.close()
    await settle(both[0].duct)
    expect(question).toMatchObject({ text: 'question', ended: true })
    expect([ours.status, ours.writeStatus, theirs.status]).toEqual(['open', 'closed', 'open'])
    expect(theirs).toMatchObject({ remoteWriteStatus: 'closed', readStatus: 'readable', readableEnded: true })
    theirs.send(Buffer.from('answer'))
    await theirs.close()
    await settle(both[0].duct)
    expect(answer).toMatchObject({ text: 'answer', ended: true, error: undefined })
    expect([ours.status, theirs.status]).toEqual(['closed', 'closed'])
    expect([both[0].muxer.streams, both[1].muxer.streams]).toEqual([[], []])
  })

  it('sends what lies together in one frame', async () => {
    const both = nodes()
    const [ours, theirs] = await stream(both)
    const before = both[0].duct.waitingBytes
    ours.send(Buffer.from('a'))
    expect(both[0].duct.waitingBytes - before).toBe(13)
    const seen = read(theirs)
    await settle(both[0].duct)
    expect(seen.text).toBe('a')
  })

  it.each(['reset', 'abort'])('tells both ends of a %s', async how => {
    const both = nodes()
    const [ours, theirs] = await stream(both)
    const [mine, other] = [read(ours), read(theirs)]
    const aborted = how === 'reset' ? theirs : ours
    aborted.abort(new Error('enough'))
    await settle(both[0].duct)
    const [local, remote] = how === 'reset' ? [other, mine] : [mine, other]
    expect(local.error?.message).toBe('enough')
    expect(remote.error?.name).toBe('StreamResetError')
    expect([ours.status, theirs.status].sort()).toEqual(['aborted', 'reset'])
    expect([both[0].muxer.streams, both[1].muxer.streams]).toEqual([[], []])
    expect(() => ours.send(Buffer.from('x'))).toThrow()
  })

  it('holds one window of what a paused reader does not read, and goes on when it does', async () => {
    const both = nodes()
    const [ours, theirs] = await stream(both)
    const seen = read(theirs)
    theirs.pause()
    expect(ours.send(Buffer.alloc(1024 * KiB))).toBe(false)
    await settle(both[0].duct)
    expect(theirs.readBufferLength).toBe(WINDOW)
    expect(ours.writeBufferLength).toBe(768 * KiB)
    expect(ours.writableNeedsDrain).toBe(true)
    const drained = ours.onDrain()
    theirs.resume()
    await settle(both[0].duct)
    await drained
    expect(seen.bytes).toBe(1024 * KiB)
    await ours.close()
    await settle(both[0].duct)
    expect(seen.ended).toBe(true)
  })

  it('holds one window until somebody listens', async () => {
    const both = nodes()
    const [ours, theirs] = await stream(both)
    ours.send(Buffer.alloc(WINDOW + 1))
    const closed = ours.close()
    await settle(both[0].duct)
    expect(theirs.readBufferLength).toBe(WINDOW)
    const seen = read(theirs)
    await settle(both[0].duct)
    await closed
    expect(seen).toMatchObject({ bytes: WINDOW + 1, ended: true })
  })

  it('says when what waits has left, and when it never will', async () => {
    const both = nodes()
    const [ours, theirs] = await stream(both)
    theirs.pause()
    await ours.onDrain()
    ours.send(Buffer.alloc(WINDOW + 1))
    const waits = [ours.onDrain(), ours.onDrain()]
    let told = false
    void waits[0]?.then(() => (told = true))
    await settle(both[0].duct)
    expect(told).toBe(false)
    theirs.resume()
    read(theirs)
    await settle(both[0].duct)
    await Promise.all(waits)

    const [lost] = await stream(both)
    lost.send(Buffer.alloc(WINDOW + 1))
    const never = lost.onDrain()
    lost.abort(new Error('enough'))
    await expect(never).rejects.toThrow('enough')
  })

  it('can be closed with the window used up to the last byte', async () => {
    const both = nodes()
    const [ours, theirs] = await stream(both)
    theirs.pause()
    ours.send(Buffer.alloc(WINDOW))
    await ours.close()
    await settle(both[0].duct)
    expect(theirs).toMatchObject({ readBufferLength: WINDOW, remoteWriteStatus: 'closed' })
  })

  it('keeps single bytes of a paused reader together', async () => {
    const both = nodes()
    const [ours, theirs] = await stream(both)
    theirs.pause()
    for (let i = 0; i < 3000; i++) ours.send(Buffer.from([65 + (i % 26)]))
    await settle(both[0].duct)
    let parts = 0
    theirs.addEventListener('message', ({ data }) => {
      parts = [...(data as Iterable<Uint8Array>)].length
      expect(Buffer.from(data.subarray()).toString()).toBe(
        Array.from({ length: 3000 }, (_, i) => String.fromCharCode(65 + (i % 26))).join('')
      )
    })
    theirs.resume()
    expect(parts).toBeGreaterThan(0)
    expect(parts).toBeLessThan(1100)
  })

  it('gives no window while its reader withholds it, and still hands over what comes', async () => {
    const both = nodes()
    const [ours, theirs] = await stream(both)
    const seen = read(theirs)
    theirs.sendPause()
    ours.send(Buffer.alloc(2 * WINDOW))
    await settle(both[0].duct)
    expect(seen.bytes).toBe(WINDOW)
    theirs.sendResume()
    await settle(both[0].duct)
    expect(seen.bytes).toBe(2 * WINDOW)
  })

  it('reads on, and forgets, when its reader wants no more', async () => {
    const both = nodes()
    const [ours, theirs] = await stream(both)
    const seen = read(theirs)
    theirs.pause()
    ours.send(Buffer.alloc(WINDOW))
    await settle(both[0].duct)
    await theirs.closeRead()
    ours.send(Buffer.alloc(4 * WINDOW))
    void ours.close()
    await settle(both[0].duct)
    expect(ours.writeStatus).toBe('closed')
    expect(seen.bytes).toBe(0)
  })

  it('waits for a full connection, and goes on in turns', async () => {
    const both = nodes({}, 64 * KiB)
    const pairs = []
    for (let i = 0; i < 8; i++) pairs.push(await stream(both))
    const seen = pairs.map(([, theirs]) => read(theirs))
    for (const [ours] of pairs) ours.send(Buffer.alloc(200 * KiB))
    expect(both[0].duct.waitingBytes).toBeLessThan(200 * KiB)
    for (let i = 0; i < 9; i++) both[0].duct.move()
    // Each has sent one frame before any has sent two.
    expect(seen.map(({ bytes }) => bytes)).toEqual([128, ...Array<number>(7).fill(64)].map(k => k * KiB))
    await settle(both[0].duct)
    expect(seen.map(({ bytes }) => bytes)).toEqual(Array(8).fill(200 * KiB))
  })
})

describe('the muxer', () => {
  it('keeps streams for whoever listens later, but not without end', async () => {
    const { MemoryDuct, BareConnection } = await import('./memory-duct.ts')
    const { fastYamux } = await import('../../../../../app/main/relay/fast/yamux/muxer.ts')
    const [a, b]: [MemoryDuct, MemoryDuct] = MemoryDuct.pair()
    const dialer = node(a, 'outbound')
    const connection = new BareConnection(b, 'inbound')
    const muxer = fastYamux({ maxEarlyStreams: 3 })(b).createStreamMuxer(connection)
    for (let i = 0; i < 3; i++) await dialer.muxer.createStream()
    await settle(a)
    const ids: string[] = []
    muxer.addEventListener('stream', ({ detail }) => ids.push(detail.id))
    await tick()
    expect(ids).toEqual(['1', '3', '5'])

    const [c, d] = MemoryDuct.pair()
    const flooding = node(c, 'outbound')
    const flooded = new BareConnection(d, 'inbound')
    fastYamux({ maxEarlyStreams: 3 })(d).createStreamMuxer(flooded)
    for (let i = 0; i < 4; i++) await flooding.muxer.createStream()
    await settle(c)
    expect(flooded.status).toBe('aborted')
  })

  it('opens no more streams than it may', async () => {
    const both = nodes({ maxOutboundStreams: 2 })
    const first = await both[0].muxer.createStream()
    await both[0].muxer.createStream()
    await expect(both[0].muxer.createStream()).rejects.toMatchObject({
      name: 'TooManyOutboundProtocolStreamsError'
    })
    first.abort(new Error('done'))
    await both[0].muxer.createStream()
  })

  it('numbers streams oddly where it has dialled, evenly where not', async () => {
    const both = nodes()
    const ids = []
    for (const { muxer } of [...both, ...both]) ids.push((await muxer.createStream()).id)
    expect(ids).toEqual(['1', '2', '3', '4'])
  })

  it('keeps its list right whichever stream goes', async () => {
    const both = nodes()
    const streams = []
    for (let i = 0; i < 9; i++) streams.push(await both[0].muxer.createStream())
    const left = new Set(streams)
    for (const i of [4, 8, 0, 3, 7, 1]) {
      const gone = streams[i]!
      gone.abort(new Error('done'))
      left.delete(gone)
      expect(new Set(both[0].muxer.streams)).toEqual(left)
    }
    await settle(both[0].duct)
    expect(both[1].muxer.streams).toHaveLength(3)
  })

  it('closes: what was sent arrives, the peer ends, and both connections are told', async () => {
    const both = nodes()
    const [ours, theirs] = await stream(both)
    const seen = read(theirs)
    ours.send(Buffer.from('last'))
    await both[0].muxer.close()
    await both[0].connection.close()
    await settle(both[0].duct)
    expect(seen).toMatchObject({ text: 'last', ended: true, error: undefined })
    expect([ours.status, theirs.status]).toEqual(['closed', 'closed'])
    expect([both[0].connection.status, both[1].connection.status]).toEqual(['closed', 'closed'])
    expect([both[0].muxer.status, both[1].muxer.status]).toEqual(['closed', 'closed'])
  })

  it('gives up closing when the caller does', async () => {
    const both = nodes()
    const [ours] = await stream(both)
    ours.send(Buffer.alloc(WINDOW + 1))
    const stop = new AbortController()
    const closed = both[0].muxer.close({ signal: stop.signal })
    await settle(both[0].duct)
    stop.abort()
    await expect(closed).rejects.toThrow()
    both[0].muxer.abort(new Error('enough'))
    expect(ours.status).toBe('aborted')
  })

  it('aborts: the peer’s streams are reset', async () => {
    const both = nodes()
    const [ours, theirs] = await stream(both)
    both[0].muxer.abort(new Error('enough'))
    await settle(both[0].duct)
    expect([ours.status, theirs.status]).toEqual(['aborted', 'reset'])
    await expect(both[0].muxer.createStream()).rejects.toMatchObject({ name: 'MuxerClosedError' })
  })

  it.each<[string, (duct: MemoryDuct) => void, string]>([
    ['is lost', duct => duct.peer.destroy(), 'closed'],
    ['fails', duct => duct.destroy(new Error('broken')), 'aborted'],
    ['ends', duct => duct.peer.end(), 'closed']
  ])('closes all streams when the duct %s, and tells the connection', async (_, end, status) => {
    const both = nodes()
    const [ours] = await stream(both)
    const seen = read(ours)
    end(both[0].duct)
    await settle(both[0].duct)
    expect(both[0].connection.status).toBe(status)
    expect(ours.status).toBe('closed')
    expect(seen.error).toBeUndefined()
    expect(both[0].muxer).toMatchObject({ status: 'closed', streams: [] })
    expect(() => ours.send(Buffer.from('x'))).toThrow()
    ours.close().catch(none)
  })
})

import type { MultiaddrConnection, Stream, StreamMuxer } from '@libp2p/interface'
import { yamux } from '@libp2p/yamux'
import { describe, expect, it } from 'vitest'
import { CarryingConnection, MemoryDuct, settle } from './memory-duct.ts'
import { node, read } from './raw-peer.ts'

/** The same is seen of our streams as of libp2p's, whoever is at the other end. */

const KiB = 1024
const none = (): void => {}

type Kind = 'fast' | 'upstream'
interface Peer {
  connection: MultiaddrConnection
  muxer: StreamMuxer
  accepted: Stream[]
}
interface Pair {
  dialer: Peer
  listener: Peer
  settle: () => Promise<void>
}
type Scenario = (pair: Pair) => Promise<unknown>

function peer(kind: Kind, duct: MemoryDuct, direction: 'inbound' | 'outbound'): Peer {
  if (kind === 'fast') return node(duct, direction)
  const connection = new CarryingConnection(duct, direction)
  const muxer = yamux({
    enableKeepAlive: false,
    streamOptions: { maxStreamWindowSize: 256 * KiB }
  })().createStreamMuxer(connection)
  const accepted: Stream[] = []
  muxer.addEventListener('stream', ({ detail }) => accepted.push(detail))
  return { connection, muxer, accepted }
}

function pair(dialer: Kind, listener: Kind, fullBytes?: number): Pair {
  const [a, b] = MemoryDuct.pair(fullBytes)
  return {
    dialer: peer(dialer, a, 'outbound'),
    listener: peer(listener, b, 'inbound'),
    settle: () => settle(a)
  }
}

async function open(
  { dialer, listener, settle }: Pair,
  by: 'dialer' | 'listener' = 'dialer'
): Promise<[Stream, Stream]> {
  const [opener, accepter] = by === 'dialer' ? [dialer, listener] : [listener, dialer]
  const ours = await opener.muxer.createStream()
  await settle()
  return [ours, accepter.accepted.at(-1) as Stream]
}

const state = ({
  id,
  direction,
  status,
  readStatus,
  writeStatus,
  remoteReadStatus,
  remoteWriteStatus
}: Stream) => ({
  id,
  direction,
  status,
  readStatus,
  writeStatus,
  remoteReadStatus,
  remoteWriteStatus
})

/** All that libp2p's users see of a stream, in order. */
function watch(stream: Stream): { events: string[]; seen: ReturnType<typeof read> } {
  const events: string[] = []
  for (const name of ['remoteCloseWrite', 'end'] as const)
    stream.addEventListener(name, () => events.push(name))
  stream.addEventListener('close', ({ error, local }) => {
    events.push(`close ${error?.name} ${error === undefined ? '' : local}`)
  })
  return { events, seen: read(stream) }
}

const scenarios: Record<string, Scenario> = {
  'a stream that each side closes in turn': async pair => {
    const [ours, theirs] = await open(pair)
    const watched = [watch(ours), watch(theirs)]
    ours.send(Buffer.from('question'))
    await ours.close()
    await pair.settle()
    const between = [state(ours), state(theirs)]
    theirs.send(Buffer.from('answer'))
    await theirs.close()
    await pair.settle()
    return [watched, between, state(ours), state(theirs)]
  },
  'a stream that the listener opens and closes first on': async pair => {
    const [ours, theirs] = await open(pair, 'listener')
    const watched = [watch(ours), watch(theirs)]
    await theirs.close()
    await pair.settle()
    const between = [state(ours), state(theirs)]
    ours.send(Buffer.from('late'))
    await ours.close()
    await pair.settle()
    return [watched, between, state(ours), state(theirs)]
  },
  'a stream that both close at once': async pair => {
    const [ours, theirs] = await open(pair)
    const watched = [watch(ours), watch(theirs)]
    await Promise.all([ours.close(), theirs.close()])
    await pair.settle()
    return [watched, state(ours), state(theirs)]
  },
  'an abort by the dialer': async pair => {
    const [ours, theirs] = await open(pair)
    const watched = [watch(ours), watch(theirs)]
    theirs.send(Buffer.alloc(1000))
    ours.abort(new Error('enough'))
    await pair.settle()
    return [watched, state(ours), state(theirs)]
  },
  'an abort by the listener, half closed': async pair => {
    const [ours, theirs] = await open(pair)
    const watched = [watch(ours), watch(theirs)]
    await ours.close()
    await pair.settle()
    theirs.abort(new Error('enough'))
    await pair.settle()
    return [watched, state(ours), state(theirs)]
  },
  'aborts that cross': async pair => {
    const [ours, theirs] = await open(pair)
    const watched = [watch(ours), watch(theirs)]
    ours.abort(new Error('enough'))
    theirs.abort(new Error('enough'))
    await pair.settle()
    return [watched, state(ours), state(theirs)]
  },
  'a reader that is paused, and one that resumes at the end': async pair => {
    const [ours, theirs] = await open(pair)
    theirs.pause()
    const watched = [watch(ours), watch(theirs)]
    ours.send(Buffer.alloc(600 * KiB))
    const closed = ours.close()
    await pair.settle()
    const between = [state(ours), state(theirs), theirs.readBufferLength, ours.writeBufferLength]
    theirs.resume()
    await pair.settle()
    await closed
    return [watched, between, state(ours), state(theirs)]
  },
  'data and an end before anybody listens': async pair => {
    const [ours, theirs] = await open(pair)
    ours.send(Buffer.from('early'))
    await ours.close()
    await pair.settle()
    const between = [state(theirs), theirs.readBufferLength]
    const watched = watch(theirs)
    await pair.settle()
    return [watched.seen, between, state(theirs)]
  },
  'a reset before anybody listens': async pair => {
    const [ours, theirs] = await open(pair)
    ours.send(Buffer.from('early'))
    ours.abort(new Error('enough'))
    await pair.settle()
    const between = [state(theirs), theirs.readBufferLength]
    return [between, watch(theirs).seen]
  },
  'a closed read': async pair => {
    const [ours, theirs] = await open(pair)
    const watched = [watch(ours), watch(theirs)]
    await theirs.closeRead()
    ours.send(Buffer.alloc(2000 * KiB))
    void ours.close()
    await pair.settle()
    await theirs.close()
    await pair.settle()
    return [watched, state(ours), state(theirs)]
  },
  'many streams at once, both ways': async pair => {
    const all = []
    for (let i = 0; i < 60; i++) {
      const [ours, theirs] = await open(pair, i % 2 === 0 ? 'dialer' : 'listener')
      all.push({ ours, theirs, mine: read(ours), other: read(theirs) })
    }
    for (const [i, { ours, theirs }] of all.entries()) {
      ours.send(Buffer.alloc(i * 1000 + 1))
      theirs.send(Buffer.from(`to ${i}`))
      if (i % 3 === 0) void theirs.close()
    }
    for (const { ours } of all) void ours.close()
    await pair.settle()
    for (const { theirs } of all) void theirs.close()
    await pair.settle()
    const open_ = [pair.dialer, pair.listener].map(({ muxer }) => muxer.streams.length)
    return [
      open_,
      all.map(({ ours, theirs, mine, other }) => [state(ours), state(theirs), mine.text, other.bytes])
    ]
  },
  'the end of the connection, closed in peace': async pair => {
    const [ours, theirs] = await open(pair)
    const watched = [watch(ours), watch(theirs)]
    theirs.send(Buffer.from('unasked'))
    await pair.settle()
    await pair.dialer.muxer.close()
    await pair.dialer.connection.close()
    await pair.settle()
    const status = [pair.dialer, pair.listener].map(({ muxer, connection }) => [
      muxer.status,
      connection.status
    ])
    return [
      watched[1]!.events,
      watched.map(({ seen }) => seen),
      status,
      state(ours).status,
      state(theirs).status
    ]
  },
  'the abort of the connection': async pair => {
    const [ours, theirs] = await open(pair)
    const watched = [watch(ours), watch(theirs)]
    pair.dialer.muxer.abort(new Error('enough'))
    await pair.settle()
    pair.dialer.connection.abort(new Error('enough'))
    await pair.settle()
    return [watched, state(ours), state(theirs), pair.listener.muxer.status]
  }
}

describe.each(Object.entries(scenarios))('%s', (_, scenario) => {
  let expected: Promise<unknown> | undefined

  it.each<[Kind, Kind]>([
    ['fast', 'upstream'],
    ['upstream', 'fast'],
    ['fast', 'fast']
  ])('looks the same: %s to %s', async (dialer, listener) => {
    expected ??= scenario(pair('upstream', 'upstream'))
    expect(await scenario(pair(dialer, listener))).toEqual(await expected)
  })
})

describe.each<[Kind, Kind]>([
  ['fast', 'upstream'],
  ['upstream', 'fast']
])('%s to %s', (dialer, listener) => {
  it('carries large transfers on several streams, both ways, with readers that stall', async () => {
    const both = pair(dialer, listener, 100 * KiB)
    const bytes = 2 * 1024 * KiB
    const ends = []
    for (let i = 0; i < 4; i++) ends.push(...(await open(both, i % 2 === 0 ? 'dialer' : 'listener')))
    const seen = ends.map(read)
    for (const stream of ends) {
      let left = bytes
      const pump = (): void => {
        while (left > 0) {
          left -= 64 * KiB
          if (!stream.send(Buffer.alloc(64 * KiB, left / (64 * KiB)))) return
        }
        stream.close().catch(none)
      }
      stream.addEventListener('drain', () => queueMicrotask(pump))
      pump()
    }
    for (let round = 0; round < 8; round++) {
      for (const [i, stream] of ends.entries()) {
        if (stream.readStatus !== 'readable' && stream.readStatus !== 'paused') continue
        if ((i + round) % 3 === 0) stream.pause()
        else stream.resume()
      }
      await both.settle()
    }
    for (const stream of ends) if (stream.readStatus === 'paused') stream.resume()
    await both.settle()
    expect(seen.map(({ bytes, ended }) => [bytes, ended])).toEqual(ends.map(() => [bytes, true]))
    expect(both.dialer.connection.status).toBe('open')
    expect(both.dialer.muxer.streams).toEqual([])
  })
})

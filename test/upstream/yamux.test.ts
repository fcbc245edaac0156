import type { Stream } from '@libp2p/interface'
import { yamux } from '@libp2p/yamux'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { afterEach, expect, it } from 'vitest'
import { until } from '../support/until.ts'

/** Why transports.ts sets Yamux's windows. A failure says: look there again. */

const ends: (() => void)[] = []
afterEach(() => ends.splice(0).forEach(end => end()))

/** A stream's both ends over Yamux, the reading one paused after it has read a while. */
async function pausedStream(maxStreamWindowSize?: number): Promise<{ writer: Stream; reader: Stream }> {
  const [outbound, inbound] = multiaddrConnectionPair()
  const factory = yamux(maxStreamWindowSize === undefined ? {} : { streamOptions: { maxStreamWindowSize } })()
  const dialer = factory.createStreamMuxer(outbound)
  const listener = factory.createStreamMuxer(inbound)
  ends.push(() => {
    outbound.abort(new Error('done'))
    inbound.abort(new Error('done'))
  })
  const arrived = Promise.withResolvers<Stream>()
  listener.addEventListener('stream', event => arrived.resolve(event.detail))
  const writer = await dialer.createStream()
  const reader = await arrived.promise
  let read = 0
  reader.addEventListener('message', ({ data }) => (read += data.byteLength))
  let going = true
  const pump = (): void => {
    for (let i = 0; i < 64 && going && writer.writeStatus === 'writable'; i++) {
      if (!writer.send(new Uint8Array(65_536))) return
    }
    if (going) setImmediate(pump)
  }
  writer.addEventListener('drain', () => queueMicrotask(pump))
  ends.push(() => (going = false))
  pump()
  await until('the window has had time to grow', () => read > 64 * 1024 * 1024)
  reader.pause()
  return { writer, reader }
}

it('resets a paused stream: its window outgrows its read buffer of 4 MiB (transports.ts: maxStreamWindowSize)', async () => {
  const { reader } = await pausedStream()
  await until('the stream is reset', () => reader.status === 'aborted', 10)
})

it('keeps a paused stream whose window is bounded', async () => {
  const { reader } = await pausedStream(262_144)
  await until('its window is full', () => reader.readBufferLength > 0)
  await new Promise(resolve => setTimeout(resolve, 500))
  expect(reader.status).toBe('open')
  expect(reader.readBufferLength).toBeLessThanOrEqual(2 * 262_144)
})

import { defaultLogger } from '@libp2p/logger'
import { AbstractStream, lpStream, streamPair, type SendResult } from '@libp2p/utils'
import { expect, it } from 'vitest'
import { sleep, until } from '../support/until.ts'

/** What @libp2p/utils gives every stream, and where we go around it. A failure says: look there again. */

/** A stream without a network. */
class Bare extends AbstractStream {
  full = false
  readonly told: string[] = []

  constructor() {
    super({ id: '1', direction: 'inbound', log: defaultLogger().forComponent('test') })
  }

  sendData(data: { byteLength: number }): SendResult {
    return { sentBytes: data.byteLength, canSendMore: !this.full }
  }

  sendReset(): void {}
  async sendCloseWrite(): Promise<void> {}
  async sendCloseRead(): Promise<void> {}
  sendPause(): void {
    this.told.push('pause')
  }

  sendResume(): void {
    this.told.push('resume')
  }
}

it('listens to itself in its constructor, to nothing but its room and its end (lean-stream.ts)', () => {
  const names: string[] = []
  class Watched extends Bare {
    override addEventListener(...[name]: Parameters<Bare['addEventListener']>): void {
      names.push(name)
    }
  }
  const stream = new Watched()
  expect([stream.status, names]).toEqual(['open', ['drain', 'close']])
})

it('undoes for the transport a pause from within resume() (splice.ts: #pause, #resuming)', () => {
  const stream = new Bare()
  stream.pause()
  stream.onData(new Uint8Array(1))
  stream.addEventListener('message', () => stream.pause())
  stream.resume()
  expect(stream.readStatus).toBe('paused')
  // The transport was told last to go on.
  expect(stream.told).toEqual(['pause', 'pause', 'resume'])
})

it('resolves onDrain() for the first drain only, and from then on at once (splice.ts: its drain listener)', async () => {
  const stream = new Bare()
  stream.full = true
  expect(stream.send(new Uint8Array(1))).toBe(false)
  const first = stream.onDrain()
  stream.dispatchEvent(new Event('drain'))
  await first
  await sleep(0)
  expect(stream.send(new Uint8Array(1))).toBe(false)
  expect(stream.writableNeedsDrain).toBe(true)
  // Nothing has drained since.
  await stream.onDrain({ signal: AbortSignal.timeout(1000) })
})

it('reads a length prefix for ever while none of its bytes is the last (circuit/frames.ts)', async () => {
  const [writer, reader] = await streamPair()
  const frames = lpStream(reader, { maxDataLength: 4096 })
  let settled = false
  const read = frames.read({ signal: AbortSignal.timeout(500) }).catch(() => {})
  void read.then(() => (settled = true))
  writer.send(new Uint8Array(10_000).fill(0xff))
  await until('all has arrived', () => reader.readBufferLength === 0)
  await sleep(200)
  expect(settled).toBe(false)
  await read
})

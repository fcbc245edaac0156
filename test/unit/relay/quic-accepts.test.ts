import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Accepts } from '../../../app/main/relay/quic/accepts.ts'
import type { NativeConnection, NativeServer } from '../../../app/main/relay/quic/native.ts'

/** The engine's server, whose handshakes begin and end when the test says so. */
class HeldServer implements NativeServer {
  begun = 0
  readonly waiting: PromiseWithResolvers<NativeConnection>[] = []

  port = (): number => 0
  stats = () => ({ acceptedHandshakes: this.begun })
  async abort(): Promise<void> {}

  async inboundConnection(): Promise<NativeConnection> {
    const accept = Promise.withResolvers<NativeConnection>()
    this.waiting.push(accept)
    return accept.promise
  }

  succeed(): void {
    this.begun++
    this.waiting.shift()?.resolve({} as NativeConnection)
  }

  fail(why: string): void {
    this.waiting.shift()?.reject(new Error(why))
  }
}

const SPARE = 64
const events = { accepted: vi.fn(), failed: vi.fn() }
let server: HeldServer
let accepts: Accepts

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  server = new HeldServer()
  accepts = new Accepts(server, events)
})
afterEach(() => {
  accepts.stop()
  vi.useRealTimers()
  vi.clearAllMocks()
})

it('accepts again after each connection, and no more than before', async () => {
  for (let i = 0; i < 100; i++) {
    server.succeed()
    await turn()
  }
  expect(events.accepted).toHaveBeenCalledTimes(100)
  expect(server.waiting).toHaveLength(SPARE)
})

it('accepts more within a second where handshakes do not end, and fewer again when they have', async () => {
  server.begun = SPARE
  vi.advanceTimersByTime(1000)
  expect(server.waiting).toHaveLength(5 * SPARE)
  server.begun = 5 * SPARE
  vi.advanceTimersByTime(1000)
  expect(server.waiting).toHaveLength(1024)
  for (let i = 0; i < 5 * SPARE; i++) server.fail('timed out')
  await turn()
  for (let i = 0; i < 2000; i++) {
    server.succeed()
    await turn()
  }
  expect(server.waiting).toHaveLength(SPARE)
})

it('counts no handshake as over that had not begun', async () => {
  for (let i = 0; i < 10; i++) server.fail('authentication failed')
  await turn()
  server.begun += SPARE
  vi.advanceTimersByTime(1000)
  expect(server.waiting.length).toBeGreaterThanOrEqual(2 * SPARE)
  expect(events.failed).toHaveBeenCalledTimes(10)
})

it('accepts nothing more when the server is closed', async () => {
  for (let i = 0; i < SPARE; i++) server.fail('server closed')
  await turn()
  vi.advanceTimersByTime(5000)
  expect(server.waiting).toEqual([])
  expect(events.failed).not.toHaveBeenCalled()
})

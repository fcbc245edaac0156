import { ping, type PingComponents } from '@libp2p/ping'
import { expect, it } from 'vitest'

/** How app/main/relay/ping.ts answers in its place. A failure says: look there again. */

it('registers its own property as the handler, when it is started', async () => {
  const handlers: unknown[] = []
  const registrar = { handle: async (_: string, handler: unknown) => void handlers.push(handler) }
  const service = ping()({ registrar } as unknown as PingComponents) as unknown as {
    handlePing: () => void
    start(): Promise<void>
  }
  expect(service.handlePing).toBeTypeOf('function')
  const ours = (): void => {}
  service.handlePing = ours
  await service.start()
  expect(handlers).toEqual([ours])
})

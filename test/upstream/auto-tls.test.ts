import { autoTLS, type AutoTLSComponents } from '@ipshipyard/libp2p-auto-tls'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { TypedEventEmitter, type Libp2pEvents, type Logger, type Startable } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'

/** Why app/main/relay/auto-tls/order.ts makes one of these services for each attempt, and how it learns what failed. */

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

it('an attempt that failed is made again every 5 s, and nobody but the log learns of it', async () => {
  const privateKey = await generateKeyPair('Ed25519')
  const peerId = peerIdFromPrivateKey(privateKey)
  const events = new TypedEventEmitter<Libp2pEvents>()
  const logged: unknown[][] = []
  const log = Object.assign((): void => {}, {
    trace: () => {},
    error: (...said: unknown[]) => logged.push(said)
  })
  const broken = new Error('the disk is full')
  const service = autoTLS({ provisionDelay: 0 })({
    ...{ privateKey, peerId, events },
    nodeInfo: { name: 'test', version: '0', userAgent: 'test' },
    logger: { forComponent: () => log as unknown as Logger },
    addressManager: { getAddresses: () => [multiaddr('/ip4/198.41.30.4/tcp/4001')] },
    keychain: { exportKey: () => Promise.reject(broken) }
  } as unknown as AutoTLSComponents) as unknown as Startable
  await service.start()
  events.safeDispatchEvent('self:peer:update')
  for (const attempts of [1, 2, 3, 4]) {
    await vi.advanceTimersByTimeAsync(attempts === 1 ? 0 : 5_000)
    expect(logged).toHaveLength(attempts)
    expect(logged.at(-1)?.[0]).toMatch(/^provisioning certificate failed/)
    expect(logged.at(-1)?.at(-1)).toBe(broken)
  }
  await service.stop()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(logged.filter(([said]) => String(said).startsWith('provisioning'))).toHaveLength(4)
})

import { expect } from 'vitest'
import type { NodeBus } from '../../../app/main/observe/events.ts'
import { until } from '../../support/until.ts'
import type { Browsers } from './browsers.ts'
import { BrowserPeer } from './peers.ts'

const MiB = 1024 * 1024

/** A relay, as far as the story needs it. */
export interface Introducer {
  peerId: string
  bus: NodeBus
}

/**
 * The whole story of two browsers: they meet on the relay, which is at that address for them, go direct, send 10 MiB past
 * the relay, leave it, and go on talking.
 */
export async function introduce(relay: Introducer, address: string, browsers: Browsers): Promise<void> {
  let relayed = 0
  const circuits: string[][] = []
  const peers = new Set<string>()
  relay.bus.on('bytes-relayed', ({ bytes }) => (relayed += bytes))
  relay.bus.on('circuit-accepted', ({ source, target }) => circuits.push([source, target]))
  relay.bus.on('peer-connected', ({ peer }) => peers.add(peer))
  relay.bus.on('peer-disconnected', ({ peer }) => peers.delete(peer))
  await using alice = await BrowserPeer.open(browsers)
  await using bob = await BrowserPeer.open(browsers)

  const toAlice = await alice.reserve(address)
  expect(toAlice).toBe(`${address}/p2p-circuit/webrtc/p2p/${alice.id}`)
  await bob.connect(toAlice)

  const direct = (await bob.paths(alice.id)).filter(path => path.direct)
  expect(direct).toEqual([{ address: toAlice, direct: true, limited: false }])
  expect(circuits).toContainEqual([bob.id, alice.id])

  const { sent, received } = await bob.send(alice.id, 10 * MiB)
  expect(sent.bytes).toBe(10 * MiB)
  expect(received).toEqual(sent)
  expect(relayed).toBeGreaterThan(0)
  expect(relayed).toBeLessThan(MiB)

  expect(peers).toEqual(new Set([alice.id, bob.id]))
  await Promise.all([alice.leave(relay.peerId), bob.leave(relay.peerId)])
  await until('the relay knows neither any more', () => peers.size === 0)
  expect(await bob.say(alice.id, 'still here?')).toBe('still here?')
  expect(await alice.say(bob.id, 'still here.')).toBe('still here.')
  const paths = [...(await alice.paths(bob.id)), ...(await bob.paths(alice.id))]
  expect(paths.map(({ direct }) => direct)).toEqual([true, true])
}

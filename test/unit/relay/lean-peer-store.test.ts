import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { expect, it } from 'vitest'
import { LeanPeerStore } from '../../../app/main/relay/lean-peer-store.ts'

const somebody = async (): Promise<PeerId> => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
const multiaddrs = [multiaddr('/ip4/8.8.8.8/tcp/1')]

async function store() {
  const { peerStore, peerId } = await createLibp2p({ start: false })
  return { peerStore, self: peerId, lean: new LeanPeerStore(peerStore, peerId) }
}

it('leaves out the note of a stream', async () => {
  const { peerStore, lean } = await store()
  const peer = await somebody()
  expect((await peerStore.merge(peer, { protocols: ['/a'] })).id).toBe(peer)
  expect(await peerStore.has(peer)).toBe(false)
  expect(lean.mayHave(peer)).toBe(false)
  await expect(peerStore.get(peer)).rejects.toMatchObject({ name: 'NotFoundError' })
})

it('keeps everything else, and the node itself', async () => {
  const { peerStore, lean, self } = await store()
  const [patched, found] = [await somebody(), await somebody()]
  await peerStore.patch(patched, { protocols: ['/a'] })
  await peerStore.merge(found, { multiaddrs })
  await peerStore.merge(self, { protocols: ['/own'] })
  expect((await peerStore.get(patched)).protocols).toEqual(['/a'])
  expect((await peerStore.get(found)).addresses).toHaveLength(1)
  expect((await peerStore.get(self)).protocols).toEqual(['/own'])
  expect([patched, found, self].map(peer => lean.mayHave(peer))).toEqual([true, true, true])
})

it('remembers nobody who was deleted, or has become too old', async () => {
  const { peerStore, self } = await createLibp2p({
    start: false,
    peerStore: { maxPeerAge: -1, maxAddressAge: -1 }
  }).then(({ peerStore, peerId }) => ({ peerStore, self: peerId }))
  const lean = new LeanPeerStore(peerStore, self)
  const [deleted, old] = [await somebody(), await somebody()]
  await peerStore.patch(deleted, { protocols: ['/a'] })
  await peerStore.patch(old, { multiaddrs })
  await peerStore.delete(deleted)
  expect([lean.mayHave(deleted), lean.mayHave(old)]).toEqual([false, true])
  await peerStore.forEach(() => {}, {})
  expect(lean.mayHave(old)).toBe(false)
})

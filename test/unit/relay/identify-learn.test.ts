import { generateKeyPair, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Connection, IdentifyResult, PrivateKey } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { expect, it } from 'vitest'
import { ipOfAddress } from '../../../app/main/relay/addresses.ts'
import { Learning, type LearnComponents } from '../../../app/main/relay/identify/learn.ts'
import type { IdentifyMessage } from '../../../app/main/relay/identify/message.ts'
import { LeanPeerStore } from '../../../app/main/relay/lean-peer-store.ts'

const SERVED = '/test/served'
const ADDRESS = multiaddr('/ip4/8.8.8.8/tcp/1')

/** Learning over a libp2p that is not started: its own peer store, registrar and events. */
async function learning() {
  let parts: (LearnComponents & { registrar: Registrar }) | undefined
  const libp2p = await createLibp2p({
    start: false,
    services: {
      grab: (components: LearnComponents & { registrar: Registrar }) => (parts = components) && {}
    }
  })
  if (parts === undefined) throw new Error('libp2p made no services')
  await parts.registrar.register(SERVED, {})
  const told: IdentifyResult[] = []
  libp2p.addEventListener('peer:identify', ({ detail }) => told.push(detail))
  new LeanPeerStore(libp2p.peerStore, libp2p.peerId)
  return { learning: new Learning(parts), store: libp2p.peerStore, told }
}

async function somebody(kind: 'Ed25519' | 'RSA' = 'Ed25519') {
  const key = await generateKeyPair(kind as 'Ed25519')
  const remotePeer = peerIdFromPrivateKey(key)
  const connection = { remotePeer, status: 'open' } as Connection
  return { key, peer: remotePeer, connection }
}

const message = (key: PrivateKey, more: Partial<IdentifyMessage> = {}): IdentifyMessage => ({
  publicKey: publicKeyToProtobuf(key.publicKey),
  listenAddrs: [ADDRESS.bytes, Uint8Array.of(0xff), new Uint8Array()],
  protocols: ['/other'],
  agentVersion: 'somebody/1',
  ...more
})

async function signed(key: PrivateKey, seqNumber: bigint, address = ADDRESS): Promise<Uint8Array> {
  const peerId = peerIdFromPrivateKey(key)
  const record = new PeerRecord({ peerId, multiaddrs: [address], seqNumber })
  return (await RecordEnvelope.seal(record, key)).marshal()
}

it('tells of a client, and stores nothing of it', async () => {
  const { learning: learner, store, told } = await learning()
  const { key, peer, connection } = await somebody()
  await learner.take(connection, message(key, { observedAddr: ADDRESS.bytes }))
  expect(await store.has(peer)).toBe(false)
  expect(told).toHaveLength(1)
  expect(told[0]).toMatchObject({
    peerId: peer,
    agentVersion: 'somebody/1',
    protocols: ['/other'],
    connection
  })
  expect(told[0]?.listenAddrs.map(String)).toEqual([ADDRESS.toString()])
  expect(told[0]?.observedAddr?.toString()).toBe(ADDRESS.toString())
  expect(told[0]).toMatchObject({ observedIp4: ipOfAddress(ADDRESS) })
})

it('stores who serves what is asked for, with its verified record', async () => {
  const { learning: learner, store, told } = await learning()
  const { key, peer, connection } = await somebody()
  const signedPeerRecord = await signed(key, 1n)
  await learner.take(connection, message(key, { protocols: [SERVED], signedPeerRecord }))
  const stored = await store.get(peer)
  expect(stored.protocols).toEqual([SERVED])
  expect(stored.addresses.map(each => [each.multiaddr.toString(), each.isCertified])).toEqual([
    [ADDRESS.toString(), true]
  ])
  expect(told[0]?.signedPeerRecord?.seq).toBe(1n)
  // A push that no longer names the protocol is stored too.
  await learner.take(connection, { listenAddrs: [], protocols: ['/other'] })
  expect((await store.get(peer)).protocols).toEqual(['/other'])
})

it('takes no record back for an older one', async () => {
  const { learning: learner, store } = await learning()
  const { key, peer, connection } = await somebody()
  const newer = multiaddr('/ip4/8.8.4.4/tcp/2')
  const take = async (signedPeerRecord: Uint8Array): Promise<unknown> =>
    learner.take(connection, message(key, { protocols: [SERVED], signedPeerRecord }))
  await take(await signed(key, 2n, newer))
  await take(await signed(key, 1n))
  expect((await store.get(peer)).addresses.map(each => each.multiaddr.toString())).toEqual([newer.toString()])
})

it('opens the record of a client that gives its addresses only there', async () => {
  const { learning: learner, told } = await learning()
  const { key, connection } = await somebody()
  await learner.take(connection, message(key, { listenAddrs: [], signedPeerRecord: await signed(key, 1n) }))
  expect(told[0]?.signedPeerRecord?.addresses.map(String)).toEqual([ADDRESS.toString()])
})

it('knows an RSA key too', async () => {
  const { learning: learner, told } = await learning()
  const { key, connection } = await somebody('RSA')
  await learner.take(connection, message(key))
  expect(told).toHaveLength(1)
})

it.each<[string, (own: PrivateKey, other: PrivateKey) => Promise<Partial<IdentifyMessage>>]>([
  ['the key of another', async (_, other) => ({ publicKey: publicKeyToProtobuf(other.publicKey) })],
  ['a key that is none', async () => ({ publicKey: Uint8Array.of(1, 2, 3) })],
  ['the record of another', async (_, other) => ({ signedPeerRecord: await signed(other, 1n) })],
  [
    'a record with a wrong signature',
    async own => ({
      signedPeerRecord: (await signed(own, 1n)).map((b, at, all) => (at > all.length - 9 ? b ^ 1 : b))
    })
  ]
])('refuses a server with %s', async (_, wrong) => {
  const { learning: learner, store, told } = await learning()
  const [{ key, peer, connection }, other] = [await somebody(), await somebody()]
  const said = message(key, { protocols: [SERVED], ...(await wrong(key, other.key)) })
  await expect(learner.take(connection, said)).rejects.toThrow()
  expect(told).toEqual([])
  expect(await store.has(peer)).toBe(false)
})

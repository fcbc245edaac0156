import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2pEvents } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record'
import { multiaddr } from '@multiformats/multiaddr'
import { TypedEventEmitter } from '@libp2p/interface'
import { expect, it } from 'vitest'
import { MessageReader, type IdentifyMessage } from '../../../app/main/relay/identify/message.ts'
import { Own } from '../../../app/main/relay/identify/own.ts'
import { fastSigning } from '../../../app/main/relay/signing.ts'

async function own() {
  const privateKey = await fastSigning(await generateKeyPair('Ed25519'))
  const peerId = peerIdFromPrivateKey(privateKey)
  const events = new TypedEventEmitter<Libp2pEvents>()
  const state = { now: 0, looks: 0, addresses: ['/ip4/8.8.8.8/tcp/1'] }
  const addressManager = {
    getAddresses: () => {
      state.looks++
      return state.addresses.map(text => multiaddr(`${text}/p2p/${peerId.toString()}`))
    }
  }
  const registrar = { getProtocols: () => ['/a', '/b'] }
  const said = new Own(
    { privateKey, peerId, events, addressManager, registrar },
    { agentVersion: 'me/1', protocolVersion: 'ipfs/0.1.0', clock: () => state.now }
  )
  return { said, state, events, peerId }
}

function read(frame: Uint8Array): IdentifyMessage | undefined {
  const reader = new MessageReader()
  reader.push(frame)
  return reader.messages[0]
}

const asker = (port: number) => multiaddr(`/ip4/1.2.3.4/tcp/${port}`)

it('tells each asker where it is seen, and all the same of itself', async () => {
  const { said, peerId } = await own()
  const one = read(await said.answerTo(asker(1)))
  expect(one).toMatchObject({ agentVersion: 'me/1', protocolVersion: 'ipfs/0.1.0', protocols: ['/a', '/b'] })
  expect(multiaddr(one?.observedAddr ?? []).toString()).toBe(asker(1).toString())
  expect(one?.listenAddrs.map(bytes => multiaddr(bytes).toString())).toEqual(['/ip4/8.8.8.8/tcp/1'])
  const other = read(await said.answerTo(asker(2)))
  expect({ ...other, observedAddr: undefined }).toEqual({ ...one, observedAddr: undefined })
  expect(read(await said.answerTo(multiaddr('/dns4/example.org/tcp/1')))?.observedAddr).toBeUndefined()

  const envelope = await RecordEnvelope.openAndCertify(
    one?.signedPeerRecord ?? new Uint8Array(),
    PeerRecord.DOMAIN
  )
  expect(PeerRecord.createFromProtobuf(envelope.payload.subarray()).peerId.equals(peerId)).toBe(true)
})

it('looks once a second whether it has changed, and signs anew only then', async () => {
  const { said, state } = await own()
  const first = await said.message()
  await said.message()
  expect(state.looks).toBe(1)
  state.now = 1000
  expect(await said.message()).toBe(first)
  expect(state.looks).toBe(2)
  state.addresses = ['/ip4/8.8.4.4/tcp/1']
  expect(await said.message()).toBe(first)
  state.now = 2000
  expect(await said.message()).not.toBe(first)
})

it('looks at once when libp2p says that it has changed', async () => {
  const { said, state, events, peerId } = await own()
  const first = await said.message()
  state.addresses = []
  const peer = { id: peerId, addresses: [], protocols: [], metadata: new Map(), tags: new Map() }
  events.safeDispatchEvent('self:peer:update', { detail: { peer } })
  const second = await said.message()
  expect(second).not.toBe(first)
  expect(read(await said.answerTo(asker(1)))?.signedPeerRecord).toBeUndefined()
})

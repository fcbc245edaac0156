import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { lpStream } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { describe, expect, it } from 'vitest'
import { createBus, type NodeEvents } from '../../app/main/observe/events.ts'
import { statusOf, type Mode, type Refusal } from '../../app/main/relay/circuit/admission.ts'
import {
  HopMessage,
  HopType,
  Status,
  StopMessage,
  StopType
} from '../../app/main/relay/circuit/pb/messages.ts'
import { CircuitRelay, type CircuitRelayComponents } from '../../app/main/relay/circuit/service.ts'
import { limitsOf } from '../../app/main/relay/limits.ts'
import { defaultsOf, type Settings } from '../../app/shared/settings.ts'
import { createClient, hopRequest, reserve } from '../support/clients.ts'
import { RawPeer, connectMessage, hopFrames, refuseWith, type StopAnswer } from '../support/raw.ts'
import { KINDS, eventsOf, startRelay, unlimited, type TestRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'

type Denied = NodeEvents['request-denied']

/** One event with the reason and the status that went over the wire; no slot is taken by that peer. */
function expectRefused(
  relay: TestRelay,
  by: RawPeer,
  denied: Pick<Denied, 'request' | 'reason' | 'status'>
): void {
  expect(eventsOf(relay, 'request-denied')).toEqual([{ ...denied, peer: by.id, ip: '127.0.0.1' }])
  expect(relay.node.relay.circuits.size).toBe(0)
  expect(relay.node.relay.circuits.countOf(by.id)).toBe(0)
  expect(relay.node.relay.reservations.get(by.id)).toBeUndefined()
}

interface Case {
  reason: Refusal
  settings?: Partial<Settings>
  mode?: Mode
}

describe.each(KINDS)('over %s', kind => {
  it.each<Case>([
    { reason: 'paused', mode: 'paused' },
    { reason: 'draining', mode: 'draining' },
    { reason: 'quota', mode: 'quota' },
    { reason: 'schedule', mode: 'schedule' },
    { reason: 'power', mode: 'power' },
    { reason: 'denied', settings: { 'access.deny': ['127.0.0.0/8'] } },
    { reason: 'not-allowed', settings: { 'access.allow': ['192.0.2.0/24'] } }
  ])('refuses a reservation and a circuit: $reason', async ({ reason, settings, mode }) => {
    await using relay = await startRelay()
    await using target = await RawPeer.reserved(relay.address(kind))
    await using asking = await RawPeer.create(relay.address(kind))
    if (settings !== undefined) relay.change(settings)
    if (mode !== undefined) relay.node.relay.setMode(mode)

    for (const request of ['reserve', 'connect'] as const) {
      relay.events.length = 0
      const message = request === 'reserve' ? { type: HopType.RESERVE } : connectMessage(target)
      const answer = await hopRequest(asking.connection, message)
      expect(answer).toEqual({ type: HopType.STATUS, status: statusOf(reason, request) })
      expectRefused(relay, asking, { request, reason, status: answer.status ?? 0 })
    }
    expect(target.asked).toEqual([])
  })

  it('refuses a circuit to a peer without a reservation', async () => {
    await using relay = await startRelay()
    await using target = await RawPeer.create(relay.address(kind))
    await using source = await RawPeer.create(relay.address(kind))
    expect((await source.connect(target)).status).toBe(Status.NO_RESERVATION)
    expectRefused(relay, source, { request: 'connect', reason: 'no-reservation', status: 204 })
  })

  it('refuses a circuit to a peer whose connection was closed: its reservation is gone', async () => {
    await using relay = await startRelay()
    await using target = await RawPeer.reserved(relay.address(kind))
    await using source = await RawPeer.create(relay.address(kind))
    await target.connection.close()
    await until('the relay has noticed', () => relay.node.relay.reservations.size === 0)
    expect((await source.connect(target)).status).toBe(Status.NO_RESERVATION)
    expectRefused(relay, source, { request: 'connect', reason: 'no-reservation', status: 204 })
  })

  const answers: [does: string, reason: Refusal, answer: StopAnswer][] = [
    ['resets the stop stream', 'target-gone', (_peer, frames) => frames.unwrap().abort(new Error('no'))],
    ['closes the stop stream', 'target-gone', async (_peer, frames) => frames.unwrap().close()],
    ['answers with no message', 'target-gone', async (_peer, frames) => frames.write(Uint8Array.of(0xff))],
    [
      'answers with more than 4 KiB',
      'target-gone',
      async (_peer, frames) => {
        const peer = { id: new Uint8Array(5000), addrs: [] }
        await frames.write(StopMessage.encode({ type: StopType.STATUS, status: Status.OK, peer }))
      }
    ],
    [
      'answers with another type of message',
      'target-refused',
      async (_peer, frames) => frames.write(StopMessage.encode({ type: StopType.CONNECT, status: Status.OK }))
    ],
    ['answers PERMISSION_DENIED', 'target-refused', refuseWith(Status.PERMISSION_DENIED)],
    ['answers RESOURCE_LIMIT_EXCEEDED', 'target-refused', refuseWith(Status.RESOURCE_LIMIT_EXCEEDED)],
    ['answers a status that does not exist', 'target-refused', refuseWith(999)]
  ]
  it.each(answers)('reports CONNECTION_FAILED when the target %s (%s)', async (_does, reason, answer) => {
    await using relay = await startRelay()
    await using target = await RawPeer.reserved(relay.address(kind), { answer })
    await using source = await RawPeer.create(relay.address(kind))
    expect(await source.connect(target)).toEqual({ type: HopType.STATUS, status: Status.CONNECTION_FAILED })
    expectRefused(relay, source, { request: 'connect', reason, status: 203 })
    expect(relay.node.relay.circuits.countOf(target.id)).toBe(0)
  })

  it('reports CONNECTION_FAILED when the target does not speak stop', async () => {
    await using relay = await startRelay()
    await using target = await RawPeer.reserved(relay.address(kind))
    await target.client.unhandle('/libp2p/circuit/relay/0.2.0/stop')
    await using source = await RawPeer.create(relay.address(kind))
    expect((await source.connect(target)).status).toBe(Status.CONNECTION_FAILED)
    expectRefused(relay, source, { request: 'connect', reason: 'target-gone', status: 203 })
  })
})

// These wait for the relay's patience, 5 to 15 s, side by side.
describe.concurrent('a client that', () => {
  it('does not finish its request in 10 s is refused as too slow', async () => {
    await using relay = await startRelay()
    await using peer = await RawPeer.create(relay.address('tcp'))
    const frames = await hopFrames(peer.connection)
    frames.unwrap().send(Uint8Array.of(10, 8))
    await until('it is refused', () => eventsOf(relay, 'request-denied').length > 0)
    expectRefused(relay, peer, { request: 'connect', reason: 'too-slow', status: 400 })
    const answer = HopMessage.decode(await lpStream(frames.unwrap()).read())
    expect(answer).toEqual({ type: HopType.STATUS, status: Status.MALFORMED_MESSAGE })
  })

  it.each<[what: string, message: HopMessage]>([
    ['a reservation', { type: HopType.RESERVE }],
    ['a refusal', {}]
  ])('does not close its stream after %s loses it', async (_what, message) => {
    await using relay = await startRelay()
    await using peer = await RawPeer.create(relay.address('tcp'))
    const frames = await hopFrames(peer.connection)
    await frames.write(HopMessage.encode(message))
    await frames.read()
    await until('the stream is reset', () => frames.unwrap().status === 'reset')
    expect(peer.connection.status).toBe('open')
  })
})

describe.concurrent('a target that says nothing', () => {
  it('is given up, and its circuit reported as CONNECTION_FAILED', async () => {
    await using relay = await startRelay()
    await using target = await RawPeer.reserved(relay.address('tcp'), { answer: () => {} })
    await using source = await RawPeer.create(relay.address('tcp'))
    const connecting = source.connect(target)
    await until('the target is asked', () => target.asked.length === 1)
    expect(relay.node.relay.circuits.countOf(target.id)).toBe(1)
    expect((await connecting).status).toBe(Status.CONNECTION_FAILED)
    expectRefused(relay, source, { request: 'connect', reason: 'target-silent', status: 203 })
  })

  it('keeps no slot when its source leaves', async () => {
    await using relay = await startRelay()
    await using target = await RawPeer.reserved(relay.address('tcp'), { answer: () => {} })
    await using source = await RawPeer.create(relay.address('tcp'))
    void source.connect(target).catch(() => {})
    await until('the target is asked', () => target.asked.length === 1)
    await source.client.stop()
    await until('the slot is free', () => relay.node.relay.circuits.size === 0)
    expect(eventsOf(relay, 'request-denied')).toEqual([])
    expect(eventsOf(relay, 'circuit-accepted')).toEqual([])
  })

  it('keeps no slot when it leaves', async () => {
    await using relay = await startRelay()
    await using target = await RawPeer.reserved(relay.address('tcp'), { answer: () => {} })
    await using source = await RawPeer.create(relay.address('tcp'))
    const connecting = source.connect(target)
    await until('the target is asked', () => target.asked.length === 1)
    await target.client.stop()
    expect((await connecting).status).toBe(Status.CONNECTION_FAILED)
    expectRefused(relay, source, { request: 'connect', reason: 'target-gone', status: 203 })
  })
})

it.each(KINDS)('no stream is left of requests that are over (%s)', async kind => {
  await using relay = await startRelay()
  await using target = await RawPeer.reserved(relay.address(kind), { answer: refuseWith(202) })
  await using peer = await RawPeer.create(relay.address(kind))
  for (let i = 0; i < 10; i++) {
    await peer.reserve()
    await peer.connect(target)
    await hopRequest(peer.connection, {})
  }
  const circuitStreams = ({ connection }: RawPeer): number =>
    connection.streams.filter(({ protocol }) => protocol.startsWith('/libp2p/circuit/')).length
  await until('no hop stream is left', () => circuitStreams(peer) === 0)
  await until('no stop stream is left', () => circuitStreams(target) === 0)
})

const id = (bytes: number[]): HopMessage => ({
  type: HopType.CONNECT,
  peer: { id: Uint8Array.from(bytes), addrs: [] }
})

describe('a message that is wrong', () => {
  it.each<[what: string, message: HopMessage, reason: Refusal, status: number]>([
    ['a peer id of garbage', id([1, 2, 3, 4, 5]), 'malformed', 400],
    ['an empty peer id', id([]), 'malformed', 400],
    ['a peer id whose digest is cut off', id([0x00, 0x24, 0x08, 0x01]), 'malformed', 400],
    ['no peer', { type: HopType.CONNECT }, 'malformed', 400],
    ['no type', {}, 'malformed', 400],
    ['the type STATUS', { type: HopType.STATUS, status: Status.OK }, 'unexpected', 401],
    ['a type that does not exist', { type: 7 }, 'unexpected', 401]
  ])('for %s is refused', async (_what, message, reason, status) => {
    await using relay = await startRelay()
    await using peer = await RawPeer.create(relay.address('tcp'))
    expect(await hopRequest(peer.connection, message)).toEqual({ type: HopType.STATUS, status })
    expectRefused(relay, peer, { request: 'connect', reason, status })
  })

  it('for an address that is none is refused', async () => {
    await using relay = await startRelay()
    await using target = await RawPeer.reserved(relay.address('tcp'))
    await using peer = await RawPeer.create(relay.address('tcp'))
    const message = connectMessage(target)
    message.peer?.addrs.push(Uint8Array.of(0xff, 0xff))
    expect((await hopRequest(peer.connection, message)).status).toBe(Status.MALFORMED_MESSAGE)
    expectRefused(relay, peer, { request: 'connect', reason: 'malformed', status: 400 })
  })
})

describe('over a circuit of another relay', () => {
  /** A node with our relay service that is behind another relay. (The node as it ships has no way to be.) */
  async function relayBehind(address: string) {
    const bus = createBus()
    const denied: Denied[] = []
    bus.on('request-denied', value => denied.push(value))
    const privateKey = await generateKeyPair('Ed25519')
    const node = await createLibp2p({
      privateKey,
      addresses: { listen: ['/p2p-circuit'] },
      transports: [tcp(), circuitRelayTransport()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionGater: { denyDialMultiaddr: () => false },
      services: {
        identify: identify(),
        relay: (components: CircuitRelayComponents) =>
          new CircuitRelay(components, {
            bus,
            limits: limitsOf({ ...defaultsOf('server'), ...unlimited }),
            access: { allow: [], deny: [] },
            addressesFor: () => [multiaddr('/ip4/127.0.0.1/tcp/4001')]
          })
      }
    })
    await node.dial(multiaddr(address))
    await until('it has a reservation', () => node.getMultiaddrs().length > 0)
    return { node, denied, [Symbol.asyncDispose]: async () => node.stop() }
  }

  it('grants no reservation and no circuit', async () => {
    await using outer = await startRelay()
    await using inner = await relayBehind(outer.address('tcp'))
    await using peer = await createClient()
    const through = `${outer.address('tcp')}/p2p-circuit/p2p/${inner.node.peerId.toString()}`
    const connection = await peer.dial(multiaddr(through))

    const denial = { type: HopType.STATUS, status: Status.PERMISSION_DENIED }
    expect(await reserve(connection)).toEqual(denial)
    const target = { id: peer.peerId.toMultihash().bytes, addrs: [] }
    expect(await hopRequest(connection, { type: HopType.CONNECT, peer: target })).toEqual(denial)

    const event = { reason: 'over-relay', status: 202, peer: peer.peerId.toString(), ip: undefined }
    expect(inner.denied).toEqual([
      { request: 'reserve', ...event },
      { request: 'connect', ...event }
    ])
    expect(inner.node.services.relay.reservations.size).toBe(0)
  })
})

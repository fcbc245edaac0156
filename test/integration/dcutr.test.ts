import type { Connection, Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { BYTES, codec, tag, VARINT } from '../../app/main/relay/protobuf.ts'
import { createClient, createListener, dialThrough, ECHO, exchange } from '../support/clients.ts'
import { eventsOf, startRelay, type Kind } from '../support/relay.ts'
import { until } from '../support/until.ts'

const MiB = 1024 * 1024
const DCUTR = '/libp2p/dcutr'
const CONNECT = 100
const SYNC = 300

it.each<Kind>(['tcp', 'quic'])(
  'native peers agree by dcutr over a limited circuit on %s, go direct, and let go of the circuit',
  async kind => {
    // Large enough for an introduction, too small for anything else.
    await using relay = await startRelay({
      'relay.circuits.durationSeconds': 120,
      'relay.circuits.bytesEachWay': 128 * 1024
    })
    const own = { options: { addresses: { listen: ['/p2p-circuit', '/ip4/127.0.0.1/tcp/0'] } } }
    await using listener = await createListener(relay.address(kind), own)
    await until('the listener has a reservation', () => eventsOf(relay, 'reservation-accepted').length === 1)
    await using dialer = await createClient({ options: { addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] } } })

    // What the specification (libp2p/specs, relay/DCUtR.md) calls A: it dialed, and waits to be asked.
    const direct = new Promise<Connection>((resolve, reject) => {
      const asA = async (stream: Stream): Promise<void> => {
        const messages = lpStream(stream)
        const asked = HolePunch.decode(await messages.read())
        expect(asked.type).toBe(CONNECT)
        await messages.write(HolePunch.encode({ type: CONNECT, addresses: tcpAddresses(dialer) }))
        expect(HolePunch.decode(await messages.read())).toEqual({ type: SYNC, addresses: [] })
        resolve(await dialer.dial(asked.addresses, { force: true }))
      }
      void dialer.handle(DCUTR, stream => asA(stream).catch(reject), { runOnLimitedConnection: true })
    })
    const relayed = await dialThrough(dialer, relay.address(kind), listener)
    expect(await exchange(relayed, 1000)).toBe(true)

    // B: it was dialed, and asks.
    const [circuit] = listener.getConnections(dialer.peerId)
    expect(circuit?.limits).toBeDefined()
    const messages = lpStream(await circuit!.newStream(DCUTR, { runOnLimitedConnection: true }))
    await messages.write(HolePunch.encode({ type: CONNECT, addresses: tcpAddresses(listener) }))
    const answer = HolePunch.decode(await messages.read())
    expect(answer.type).toBe(CONNECT)
    expect(answer.addresses.map(String)).toEqual(tcpAddresses(dialer).map(String))
    await messages.write(HolePunch.encode({ type: SYNC, addresses: [] }))

    const connection = await direct
    expect(connection.limits).toBeUndefined()
    await circuit!.close()
    await until('the circuit has ended', () => eventsOf(relay, 'circuit-closed').length === 1)
    expect(await exchange(await connection.newStream(ECHO), MiB)).toBe(true)
    expect(eventsOf(relay, 'circuit-accepted')).toHaveLength(1)
  }
)

function tcpAddresses(client: { getMultiaddrs(): Multiaddr[] }): Multiaddr[] {
  return client
    .getMultiaddrs()
    .filter(address => /^\/ip4\/127.0.0.1\/tcp\/\d+\/p2p\/\w+$/.test(address.toString()))
}

interface HolePunch {
  type: number
  addresses: Multiaddr[]
}

const HolePunch = codec<HolePunch>(
  (value, writer) => {
    tag(writer, 1, VARINT).uint32(value.type)
    for (const address of value.addresses) tag(writer, 2, BYTES).bytes(address.bytes)
  },
  () => ({ type: 0, addresses: [] }),
  {
    1: [VARINT, (into, reader) => (into.type = reader.uint32())],
    2: [BYTES, (into, reader) => into.addresses.push(multiaddr(reader.bytes()))]
  }
)

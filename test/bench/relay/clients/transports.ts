import { quic } from '@chainsafe/libp2p-quic'
import type { ComponentLogger, PrivateKey, Transport as Libp2pTransport } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { Arrivals } from '../../../../app/main/relay/fast/arrivals.ts'
import { fastTcp } from '../../../../app/main/relay/fast/tcp.ts'
import type { FastTransportOptions } from '../../../../app/main/relay/fast/transport.ts'
import { NOISE, TLS, Upgrades } from '../../../../app/main/relay/fast/upgrade.ts'
import { fastWebSockets } from '../../../../app/main/relay/fast/ws/transport.ts'
import { loadNativeQuic } from '../../../../app/main/relay/quic/native.ts'
import { quicTransport } from '../../../../app/main/relay/quic/transport.ts'
import type { Transport } from '../cases.ts'
import type { ClientKind } from '../options.ts'

interface Components {
  privateKey: PrivateKey
  logger: ComponentLogger
}
type Factory = (components: Components) => Libp2pTransport
type Factories = Record<Transport, () => Promise<Factory>>

/** A reader that never waits needs no more. */
const WINDOW_BYTES = 1024 * 1024
/** Clients accept nobody. */
const arrivals = new Arrivals({ clock: () => performance.now() }, { pending: 0, perIpPerSecond: 0 })

/** js-libp2p's own. */
const stock: Factories = {
  tcp: async () => tcp(),
  tls: async () => tcp(),
  ws: async () => webSockets() as unknown as Factory,
  quic: async () => quic()
}

/** The node's, dialling: their streams are sides. */
const fast: Factories = {
  tcp: async () => components => fastTcp(ways(components))(),
  tls: async () => components => fastTcp(ways(components, [TLS]))(),
  ws: async () => components => fastWebSockets(ways(components))(),
  quic: async () => quicTransport({ native: await loadNativeQuic(), streamWindowBytes: WINDOW_BYTES })
}

function ways({ privateKey, logger }: Components, encrypters = [NOISE]): FastTransportOptions {
  const { upgrade } = new Upgrades({ privateKey, logger }, { streamWindowBytes: WINDOW_BYTES, encrypters })
  return { arrivals, upgrade }
}

/** What a client dials the relay with. */
export async function clientTransport(kind: ClientKind, transport: Transport): Promise<Factory> {
  return (kind === 'fast' ? fast : stock)[transport]()
}

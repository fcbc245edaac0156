import type { Connection, Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import {
  HopMessage,
  HopType,
  Status,
  StopMessage,
  StopType
} from '../../../../app/main/relay/circuit/pb/messages.ts'
import type { Side } from '../../../../app/main/relay/circuit/side.ts'
import { sideOf } from '../../../../app/main/relay/circuit/stock-side.ts'
import { createPlainClient, reserve, type Client } from '../../../support/clients.ts'
import { hopFrames } from '../../../support/raw.ts'
import type { Transport } from '../cases.ts'
import type { ClientKind } from '../options.ts'
import type { BenchClient, Taker } from './bench-client.ts'

import { clientTransport } from './transports.ts'

const STOP = '/libp2p/circuit/relay/0.2.0/stop'
/** The relay has its own, shorter bounds: this is for one that never answers. */
const TIMEOUT_MS = 40_000

export interface PeerOptions {
  relay: string
  transport: Transport
  clients: ClientKind
  taker: Taker
}

/** A js-libp2p node that speaks hop and stop by hand. */
export async function libp2pClient({ relay, transport, clients, taker }: PeerOptions): Promise<BenchClient> {
  const client = await createPlainClient({
    encrypter: transport === 'tls' ? 'tls' : 'noise',
    // Without the circuit transport, which would answer stop streams itself.
    options: { transports: [await clientTransport(clients, transport)] }
  })
  await client.handle(STOP, stream => void take(stream, taker).catch(() => {}), {
    runOnLimitedConnection: true,
    maxInboundStreams: Infinity
  })
  return new Libp2pClient(client, relay)
}

async function take(stream: Stream, taker: Taker): Promise<void> {
  const frames = lpStream(stream)
  await frames.read()
  await frames.write(StopMessage.encode({ type: StopType.STATUS, status: Status.OK }))
  taker(sideOf(frames.unwrap()))
}

class Libp2pClient implements BenchClient {
  readonly #client: Client
  readonly #relay: string
  #connection: Connection | undefined

  constructor(client: Client, relay: string) {
    this.#client = client
    this.#relay = relay
  }

  get id(): string {
    return Buffer.from(this.#client.peerId.toMultihash().bytes).toString('base64')
  }

  async connect(): Promise<void> {
    this.#connection = await this.#client.dial(multiaddr(this.#relay), {
      signal: AbortSignal.timeout(TIMEOUT_MS)
    })
  }

  async reserve(): Promise<void> {
    const { status } = await reserve(this.#connected)
    if (status !== Status.OK) throw new Error(`the relay refused a reservation: ${status}`)
  }

  async open(to: string): Promise<Side> {
    const frames = await hopFrames(this.#connected)
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const peer = { id: Buffer.from(to, 'base64'), addrs: [] }
    await frames.write(HopMessage.encode({ type: HopType.CONNECT, peer }), { signal })
    const { status } = HopMessage.decode(await frames.read({ signal }))
    if (status !== Status.OK) throw new Error(`the relay refused a circuit: ${status}`)
    return sideOf(frames.unwrap())
  }

  async close(): Promise<void> {
    await this.#client.stop()
  }

  get #connected(): Connection {
    if (this.#connection === undefined) throw new Error('connect first')
    return this.#connection
  }
}

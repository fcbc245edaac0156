import { randomBytes } from 'node:crypto'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import type { Family, SelfTestResult, SelfTestStep } from '../../../shared/api/ladder.ts'
import { messageOf, systemCode } from '../../../shared/errors.ts'
import type { Settings } from '../../../shared/settings.ts'
import { Frames } from '../circuit/frames.ts'
import { HopMessage, HopType, Status, StopMessage, StopType } from '../circuit/pb/messages.ts'
import { sideOf } from '../circuit/stock-side.ts'
import { DirectStreams } from '../direct-streams.ts'
import { Arrivals } from '../fast/arrivals.ts'
import { WsBounds } from '../fast/ws/bounds.ts'
import { libp2pLogger } from '../quiet-logger.ts'
import { protocols } from '../transports.ts'

const HOP_PROTOCOL = '/libp2p/circuit/relay/0.2.0/hop'
const STOP_PROTOCOL = '/libp2p/circuit/relay/0.2.0/stop'
/** To the same machine, or to its router and back. */
const DIAL_MS = 4_000
const ANSWER_MS = 5_000
const LINGER_MS = 1_000
const ECHO_BYTES = 1024

/** One transport in one family, to be tried. */
export interface TrialTarget {
  transport: string
  family: Family
  /** Complete multiaddrs: as it is announced, and where it listens. The second is taken where the first does not answer. */
  announced?: string
  local: string
}

export interface TrialPlan {
  /** The node's. */
  peerId: string
  settings: Settings
  targets: readonly TrialTarget[]
  /** What names stand for: addresses of this machine. */
  names: Record<Family, string>
}

/** The two clients of one target. */
export interface TrialPair {
  target: TrialTarget
  listener: Libp2p
  dialer: Libp2p
}

/** Makes two clients for each target; they contact nobody yet. */
export async function trialPairs({ settings, targets }: TrialPlan): Promise<TrialPair[]> {
  const client = (): Promise<Libp2p> => createClient(settings)
  return Promise.all(
    targets.map(async target => ({ target, listener: await client(), dialer: await client() }))
  )
}

/** Peer ids of all clients, which the node is told before they come. */
export function peersOf(pairs: readonly TrialPair[]): string[] {
  return pairs.flatMap(({ listener, dialer }) => [listener.peerId.toString(), dialer.peerId.toString()])
}

async function createClient(settings: Settings): Promise<Libp2p> {
  const streams: DirectStreams = new DirectStreams({ protocols: () => libp2p.getProtocols() })
  const unbounded = { pending: Infinity, perIpPerSecond: Infinity }
  const libp2p: Libp2p = await createLibp2p({
    logger: libp2pLogger(undefined),
    ...(await protocols(
      { ...settings, 'webrtcDirect.enabled': false, 'relay.dataPath': 'fast', trustedProxies: [] },
      {
        streams,
        arrivals: new Arrivals({ clock: () => performance.now() }, unbounded),
        bounds: new WsBounds({ ended: () => {} }, { maxMessageBytes: 65_536, idleSeconds: 60 }),
        failed: () => {},
        warn: () => {}
      }
    )),
    // It dials this node and nobody else, wherever that is.
    connectionGater: { denyDialMultiaddr: () => false },
    connectionMonitor: { enabled: false },
    services: {}
  })
  return libp2p
}

/** Reserves by one client, connects by the other, and has what that sends come back. Throws nothing. */
export async function tryTarget(pair: TrialPair, node: PeerId): Promise<SelfTestResult> {
  const { target, listener, dialer } = pair
  const { transport, family } = target
  try {
    const opened = await openFirst(listener, target, node)
    const { address, by } = opened
    const told = { transport, family, address, by }
    if (opened.connection === undefined) return { ...told, reservation: opened.failure }
    const connection = opened.connection
    const reservation = await step(() => reserve(connection))
    if (!reservation.ok) return { ...told, reservation }
    await listener.handle(STOP_PROTOCOL, echoOnce, { runOnLimitedConnection: true })
    const circuit = await step(async () => {
      const other = await dial(dialer, address, node)
      await echoThrough(other, listener.peerId)
    })
    return { ...told, reservation, circuit }
  } finally {
    await Promise.allSettled([listener.stop(), dialer.stop()])
  }
}

interface Opened {
  address: string
  by: SelfTestResult['by']
  connection?: Connection
  failure: SelfTestStep
}

/** Many routers do not lead their own public address back inside: then it is where the node listens. */
async function openFirst(client: Libp2p, target: TrialTarget, node: PeerId): Promise<Opened> {
  const places = [
    ...(target.announced === undefined ? [] : [{ address: target.announced, by: 'announced' as const }]),
    ...(target.local === target.announced
      ? []
      : [
          {
            address: target.local,
            by: target.announced === undefined ? ('local' as const) : ('inside' as const)
          }
        ])
  ]
  let last: Opened | undefined
  for (const { address, by } of places) {
    try {
      return { address, by, connection: await dial(client, address, node), failure: NOT_TRIED }
    } catch (error) {
      const failure = failureOf(error)
      last = { address, by, failure }
      // The address that others are told leads to somebody else.
      if (!failure.ok && failure.code === 'other-peer') break
    }
  }
  return last ?? { address: target.local, by: 'local', failure: NOT_TRIED }
}

const NOT_TRIED: SelfTestStep = { ok: false, code: 'not-tried', cause: 'There was nothing to try.' }

async function dial(client: Libp2p, address: string, node: PeerId): Promise<Connection> {
  const signal = AbortSignal.timeout(DIAL_MS)
  try {
    const connection = await client.dial(multiaddr(address), { signal, force: true })
    if (!connection.remotePeer.equals(node)) throw new Error(`dialled ${node.toString()}, somebody else came`)
    return connection
  } catch (error) {
    throw new DialError(error)
  }
}

class DialError extends Error {
  constructor(cause: unknown) {
    super(messageOf(cause), { cause })
    this.name = 'DialError'
  }
}

class Refused extends Error {}

async function reserve(connection: Connection): Promise<void> {
  const signal = AbortSignal.timeout(ANSWER_MS)
  const frames = await opened(connection, signal)
  await frames.write(HopMessage.encode({ type: HopType.RESERVE }), signal)
  const { status } = HopMessage.decode(await frames.read(signal))
  void frames.close(LINGER_MS).catch(() => {})
  if (status !== Status.OK) throw new Refused(`status ${status}`)
}

async function echoThrough(connection: Connection, target: PeerId): Promise<void> {
  const signal = AbortSignal.timeout(ANSWER_MS)
  const frames = await opened(connection, signal)
  const peer = { id: target.toMultihash().bytes, addrs: [] }
  await frames.write(HopMessage.encode({ type: HopType.CONNECT, peer }), signal)
  const { status } = HopMessage.decode(await frames.read(signal))
  if (status !== Status.OK) throw new Refused(`status ${status}`)
  // From here on it is a circuit; what it carries is framed as the messages before it.
  const sent = randomBytes(ECHO_BYTES)
  await frames.write(sent, signal)
  const came = await frames.read(signal)
  void frames.close(LINGER_MS).catch(() => {})
  if (!sent.equals(came)) throw new WrongEcho('what came back is not what was sent')
}

class WrongEcho extends Error {}

async function opened(connection: Connection, signal: AbortSignal): Promise<Frames> {
  return new Frames(sideOf(await connection.newStream(HOP_PROTOCOL, { signal })))
}

/** The other end of the circuit: accepts it, and sends one message back. */
const echoOnce = async (stream: Stream): Promise<void> => {
  const signal = AbortSignal.timeout(ANSWER_MS)
  try {
    const frames = new Frames(sideOf(stream))
    const { type } = StopMessage.decode(await frames.read(signal))
    if (type !== StopType.CONNECT) throw new Error('no CONNECT')
    await frames.write(StopMessage.encode({ type: StopType.STATUS, status: Status.OK }), signal)
    await frames.write(await frames.read(signal), signal)
    await frames.close(LINGER_MS)
  } catch (error) {
    stream.abort(error as Error)
  }
}

async function step(run: () => Promise<void>): Promise<SelfTestStep> {
  const begin = performance.now()
  try {
    await run()
    return { ok: true, milliseconds: Math.max(1, Math.round(performance.now() - begin)) }
  } catch (error) {
    return failureOf(error)
  }
}

const TLS_CODES = /CERT|UNABLE_TO_VERIFY|SELF_SIGNED|ALTNAME/

function failureOf(error: unknown): SelfTestStep {
  const text = messageOf(error)
  const failed = (code: string, cause: string): SelfTestStep => ({ ok: false, code, cause })
  if (error instanceof Refused) return failed('refused', `The node refused its own client (${text}).`)
  if (error instanceof WrongEcho) return failed('wrong-echo', 'What came back was not what was sent.')
  if (!(error instanceof DialError)) {
    return failed('no-answer', `The node took the connection and did not answer (${text}).`)
  }
  const codes = [error, ...causesOf(error)].map(each => `${systemCode(each) ?? ''} ${messageOf(each)}`).join()
  if (/somebody else|the peer is|answered|UnexpectedPeer|Payload identity key/i.test(codes)) {
    return failed('other-peer', 'Another peer answers at this address.')
  }
  if (TLS_CODES.test(codes))
    return failed('untrusted-certificate', `The certificate is not trusted (${text}).`)
  return failed('dial-failed', `Nobody answered at this address (${text}).`)
}

function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = []
  for (let at: unknown = error; at instanceof Error && causes.length < 8; at = at.cause) {
    if (at instanceof AggregateError) causes.push(...(at.errors as unknown[]))
    if (at.cause !== undefined) causes.push(at.cause)
  }
  return causes
}

/** Tries them, two at a time: it is a test of the node, and no load on it. */
export async function tryAll(
  pairs: readonly TrialPair[],
  node: string,
  done: (result: SelfTestResult) => void
): Promise<void> {
  const id = peerIdFromString(node)
  const left = [...pairs]
  const work = async (): Promise<void> => {
    for (let pair = left.shift(); pair !== undefined; pair = left.shift()) done(await tryTarget(pair, id))
  }
  await Promise.all([work(), work()])
}

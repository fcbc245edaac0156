import {
  InvalidMessageError,
  serviceCapabilities,
  type Connection,
  type NodeInfo,
  type Startable,
  type Stream
} from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'
import { Patience } from '../circuit/patience.ts'
import { openStream, type DirectStreams } from '../direct-streams.ts'
import { Learning, type LearnComponents } from './learn.ts'
import { framedMessage, type IdentifyMessage } from './message.ts'
import { Own, type OwnComponents } from './own.ts'
import { readIdentify } from './read.ts'

export const IDENTIFY_PROTOCOL = '/ipfs/id/1.0.0'
export const PUSH_PROTOCOL = '/ipfs/id/push/1.0.0'

/** How long one exchange may take. */
const TIMEOUT_MS = 5_000
/** Changes of ours that come one after another are told in one. */
const PUSH_AFTER_MS = 1_000
/** How long the other side has to close its end too, before the stream is reset. */
const LINGER_MS = 5_000
/** Peers told at once: with ten thousand connected there is other work meanwhile. */
const PUSHES_AT_ONCE = 8

export interface IdentifyComponents extends OwnComponents, LearnComponents {
  nodeInfo: NodeInfo
  registrar: Registrar
  connectionManager: ConnectionManager
}

export interface IdentifyOptions {
  protocolVersion: string
  /** Where streams come from that libp2p need not see. */
  streams?: DirectStreams
  clock?: () => number
}

/**
 * Identify and identify push (libp2p/specs, identify), in place of libp2p's: that signs each answer anew, and writes
 * every peer to the peer store three times. What one would observe of our address goes by `peer:identify` only:
 * libp2p's own use of it needs its AutoNAT client, which has nothing to do here.
 */
export class Identify implements Startable {
  readonly [serviceCapabilities] = ['@libp2p/identify', '@libp2p/identify-push']
  readonly [Symbol.toStringTag] = 'identify'
  readonly #components: IdentifyComponents
  readonly #own: Own
  readonly #learning: Learning
  readonly #takesPush = new WeakSet<Connection>()
  #pushed: Uint8Array | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #started = false

  constructor(components: IdentifyComponents, options: IdentifyOptions) {
    const { protocolVersion, streams, clock = () => performance.now() } = options
    streams?.handle(IDENTIFY_PROTOCOL, (stream, connection) => void this.#onAsked(stream, connection))
    this.#components = components
    const agentVersion = components.nodeInfo.userAgent
    this.#own = new Own(components, { agentVersion, protocolVersion, clock })
    this.#learning = new Learning(components)
  }

  async start(): Promise<void> {
    const { registrar, events } = this.#components
    const limits = { maxInboundStreams: 1, maxOutboundStreams: 1, runOnLimitedConnection: true }
    this.#started = true
    events.addEventListener('connection:open', this.#onOpen)
    events.addEventListener('self:peer:update', this.#onSelfUpdate)
    await registrar.handle(IDENTIFY_PROTOCOL, this.#onAsked, limits)
    await registrar.handle(PUSH_PROTOCOL, this.#onPush, limits)
  }

  async stop(): Promise<void> {
    const { registrar, events } = this.#components
    this.#started = false
    clearTimeout(this.#timer)
    this.#timer = undefined
    events.removeEventListener('connection:open', this.#onOpen)
    events.removeEventListener('self:peer:update', this.#onSelfUpdate)
    await registrar.unhandle(IDENTIFY_PROTOCOL)
    await registrar.unhandle(PUSH_PROTOCOL)
  }

  readonly #onOpen = ({ detail: connection }: CustomEvent<Connection>): void => {
    // Who does not answer stays unknown, and may be connected all the same.
    this.#ask(connection).catch(() => {})
  }

  async #ask(connection: Connection): Promise<void> {
    await inTime(async signal => {
      const stream = await openStream(connection, IDENTIFY_PROTOCOL, signal)
      await this.#hear(stream, connection, signal, message => {
        if (message.publicKey === undefined) throw new InvalidMessageError('a message without a public key')
      })
    })
  }

  readonly #onPush = async (stream: Stream, connection: Connection): Promise<void> =>
    inTime(signal => this.#hear(stream, connection, signal)).catch(() => {})

  async #hear(
    stream: Stream,
    connection: Connection,
    signal: AbortSignal,
    check?: (message: IdentifyMessage) => void
  ): Promise<void> {
    try {
      const message = await readIdentify(stream, signal)
      // Its answer counts, however the stream ends.
      void stream.close().catch((error: Error) => stream.abort(error))
      closeSoon(stream)
      check?.(message)
      const { protocols } = await this.#learning.take(connection, message)
      if (protocols.includes(PUSH_PROTOCOL)) this.#takesPush.add(connection)
    } catch (error) {
      stream.abort(error as Error)
      throw error
    }
  }

  readonly #onAsked = async (stream: Stream, connection: Connection): Promise<void> => {
    try {
      const frame = await this.#own.answerTo(connection.remoteAddr)
      await inTime(signal => say(stream, frame, signal))
    } catch (error) {
      stream.abort(error as Error)
    }
  }

  readonly #onSelfUpdate = (): void => {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.#push().catch(() => {})
    }, PUSH_AFTER_MS)
  }

  async #push(): Promise<void> {
    const message = await this.#own.message()
    if (message === this.#pushed) return
    this.#pushed = message
    const frame = framedMessage(message)
    const told = this.#components.connectionManager.getConnections().values()
    const next = async (): Promise<void> => {
      for (const connection of told) {
        if (!this.#started || this.#pushed !== message) return
        if (this.#takesPush.has(connection) && connection.status === 'open') await pushTo(connection, frame)
      }
    }
    await Promise.all(Array.from({ length: PUSHES_AT_ONCE }, next))
  }
}

async function pushTo(connection: Connection, frame: Uint8Array): Promise<void> {
  try {
    await inTime(async signal => {
      const stream = await openStream(connection, PUSH_PROTOCOL, signal)
      await say(stream, frame, signal).catch((error: Error) => stream.abort(error))
    })
  } catch {
    // It learns of it when it next asks.
  }
}

async function say(stream: Stream, frame: Uint8Array, signal: AbortSignal): Promise<void> {
  stream.send(frame)
  await stream.close({ signal })
  closeSoon(stream)
}

/** Resets a stream that its peer does not close. */
function closeSoon(stream: Stream): void {
  if (stream.status !== 'open' && stream.status !== 'closing') return
  const timer = setTimeout(() => stream.abort(new Error('the stream was not closed')), LINGER_MS)
  timer.unref()
  stream.addEventListener('close', () => clearTimeout(timer), { once: true })
}

async function inTime<T>(exchange: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const patience = new Patience(TIMEOUT_MS)
  try {
    return await exchange(patience.signal)
  } finally {
    patience.done()
  }
}

import type {
  ComponentLogger,
  Connection,
  MultiaddrConnection,
  PeerId,
  PrivateKey,
  StreamMuxerFactory,
  Upgrader
} from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Greet } from '../direct-streams.ts'
import { FastConnection } from './connection.ts'
import type { RawDuct, SecureDuct } from './duct.ts'
import type { Upgrade, UpgradeInit } from './handshakes.ts'
import { acceptProtocol, proposeProtocol } from './negotiate.ts'
import { noiseIdentity, secureNoise, type NoiseIdentity } from './noise/secure.ts'
import { secureTls, tlsIdentity, type TlsIdentity } from './tls/secure.ts'
import { fastYamux, YAMUX } from './yamux/muxer.ts'

export const NOISE = '/noise'
export const TLS = '/tls/1.0.0'
const ENCRYPTERS: readonly string[] = [NOISE, TLS]
const MUXERS = [YAMUX]

interface UpgradesComponents {
  privateKey: PrivateKey
  logger: ComponentLogger
}

export interface UpgradesOptions {
  /** Bytes that may wait unread on one stream. */
  streamWindowBytes: number
  /** Takes the streams that peers open, before libp2p does. */
  greet?: Greet
  /** How connections are encrypted, the best first. */
  encrypters?: readonly string[]
}

/** A connection that is encrypted, and whose peer has proved who it is. */
interface Secured {
  duct: SecureDuct
  remotePeer: PeerId
  /** Where encryption and muxer were agreed on in one. */
  muxer?: string
}

/**
 * Makes libp2p connections of bare bytes: agrees on encryption and muxer, and gives libp2p's upgrader the finished
 * connection, so that none of this goes through its streams (libp2p/specs, connections).
 */
export class Upgrades {
  readonly #components: UpgradesComponents
  readonly #muxer: (duct: SecureDuct) => StreamMuxerFactory
  readonly #encrypters: readonly string[]
  // Made once: proving that a key is ours costs more than all else.
  #noise: NoiseIdentity | undefined
  #inbound: Upgrader | undefined
  #tls: Promise<TlsIdentity> | undefined

  constructor(
    components: UpgradesComponents,
    { streamWindowBytes, greet, encrypters = ENCRYPTERS }: UpgradesOptions
  ) {
    this.#components = components
    this.#encrypters = encrypters
    this.#muxer = fastYamux({ maxStreamWindowBytes: streamWindowBytes, ...(greet && { greet }) })
  }

  readonly upgrade: Upgrade = (raw, init) => this.#make(raw, init)

  async #make(raw: RawDuct, init: UpgradeInit): Promise<Connection | void> {
    const { direction, remoteAddr, upgrader, signal, dial } = init
    const agree = direction === 'inbound' ? acceptProtocol : proposeProtocol
    const encrypter = await agree(raw, this.#encrypters, signal)
    raw.unshift(encrypter.rest)
    const { duct, remotePeer, muxer } = await this.#secure(encrypter.protocol, raw, init)
    const rest = muxer === undefined ? (await agree(duct, MUXERS, signal)).rest : undefined

    const log = this.#components.logger.forComponent(`waystation:fast:${direction}`)
    const connection = new FastConnection({ duct, remoteAddr, direction, log })
    const options = {
      ...dial,
      skipEncryption: true as const,
      skipProtection: true as const,
      remotePeer,
      muxerFactory: fed(this.#muxer(duct), duct, rest),
      signal
    }
    if (direction === 'outbound') return upgrader.upgradeOutbound(connection, options)
    await (this.#inbound ??= withoutTimer(upgrader)).upgradeInbound(connection, options)
  }

  async #secure(
    protocol: string,
    raw: RawDuct,
    { direction, remoteAddr, signal }: UpgradeInit
  ): Promise<Secured> {
    const { privateKey } = this.#components
    const role = direction === 'inbound' ? 'responder' : 'initiator'
    const wanted = remoteAddr.getComponents().findLast(part => part.name === 'p2p')?.value
    const remotePeer = wanted === undefined ? undefined : peerIdFromString(wanted)
    const init = { role, remotePeer, muxers: MUXERS, signal } as const
    if (protocol === TLS) {
      this.#tls ??= tlsIdentity(privateKey, MUXERS)
      return secureTls(raw, { ...init, identity: await this.#tls })
    }
    this.#noise ??= await noiseIdentity(privateKey)
    return secureNoise(raw, { ...init, identity: this.#noise })
  }
}

/**
 * Where we hold on to libp2p's upgrader (test/upstream/libp2p.test.ts): it sets a timer for each connection that is
 * never taken back, and makes an error of it when it runs out. The listener bounds the whole upgrade as it is.
 */
function withoutTimer(upgrader: Upgrader): Upgrader {
  const createInboundAbortSignal = (signal: AbortSignal): AbortSignal =>
    Object.assign(signal, { clear: () => {} })
  return Object.create(upgrader, {
    createInboundAbortSignal: { value: createInboundAbortSignal }
  }) as Upgrader
}

/** The factory, whose muxer begins with what had come already. */
function fed(factory: StreamMuxerFactory, duct: SecureDuct, rest: Buffer | undefined): StreamMuxerFactory {
  if (rest === undefined || rest.byteLength === 0) return factory
  return {
    protocol: factory.protocol,
    createStreamMuxer: (connection: MultiaddrConnection) => {
      const muxer = factory.createStreamMuxer(connection)
      duct.reader?.onBytes(rest)
      return muxer
    }
  }
}

import { publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Libp2pEvents, PeerId, PrivateKey, TypedEventTarget } from '@libp2p/interface'
import type { AddressManager, Registrar } from '@libp2p/interface-internal'
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record'
import type { Multiaddr } from '@multiformats/multiaddr'
import { ipOfAddress } from '../addresses.ts'
import { withoutPeerId } from '../reach/book.ts'
import { framedMessage, IdentifyMessage } from './message.ts'

/** How long an answer is given again without looking whether it still holds: finding out is the dear part of it. */
const FRESH_MS = 1000

export interface OwnComponents {
  peerId: PeerId
  privateKey: PrivateKey
  addressManager: Pick<AddressManager, 'getAddresses'>
  registrar: Pick<Registrar, 'getProtocols'>
  events: TypedEventTarget<Libp2pEvents>
}

export interface OwnOptions {
  agentVersion: string
  protocolVersion: string
  /** Milliseconds, monotonic. */
  clock: () => number
}

/**
 * What this node says of itself. It is encoded and signed once, until it changes: of each answer only the address that
 * the asker is seen at is its own.
 */
export class Own {
  readonly #components: OwnComponents
  readonly #options: OwnOptions
  #said = ''
  #message: Promise<Uint8Array> | undefined
  #lookAgainAt = -Infinity

  constructor(components: OwnComponents, options: OwnOptions) {
    this.#components = components
    this.#options = options
    components.events.addEventListener('self:peer:update', () => (this.#lookAgainAt = -Infinity))
  }

  /** The whole message, without an observed address: the same bytes for as long as nothing has changed. */
  message(): Promise<Uint8Array> {
    const now = this.#options.clock()
    if (this.#message !== undefined && now < this.#lookAgainAt) return this.#message
    const { addressManager, registrar } = this.#components
    const addresses = addressManager.getAddresses().map(withoutPeerId)
    const protocols = registrar.getProtocols()
    const said = [...addresses.map(String), ...protocols].join(' ')
    if (this.#message === undefined || said !== this.#said) {
      this.#said = said
      this.#message = this.#encode(addresses, protocols)
      // What could not be signed is tried again by the next who asks.
      this.#message.catch(() => (this.#message = undefined))
    }
    this.#lookAgainAt = now + FRESH_MS
    return this.#message
  }

  /** The answer to a peer, behind its length. */
  async answerTo(remote: Multiaddr): Promise<Uint8Array> {
    const message = await this.message()
    // A name that we dialled says nothing of where the peer is seen.
    if (ipOfAddress(remote) === undefined) return framedMessage(message)
    const observed = IdentifyMessage.encode({ listenAddrs: [], protocols: [], observedAddr: remote.bytes })
    return framedMessage(message, observed)
  }

  async #encode(addresses: Multiaddr[], protocols: string[]): Promise<Uint8Array> {
    const { peerId, privateKey } = this.#components
    const { agentVersion, protocolVersion } = this.#options
    const record = new PeerRecord({ peerId, multiaddrs: addresses })
    const envelope = addresses.length > 0 ? await RecordEnvelope.seal(record, privateKey) : undefined
    return IdentifyMessage.encode({
      publicKey: publicKeyToProtobuf(privateKey.publicKey),
      listenAddrs: addresses.map(({ bytes }) => bytes),
      protocols,
      protocolVersion,
      agentVersion,
      signedPeerRecord: envelope?.marshal()
    })
  }
}

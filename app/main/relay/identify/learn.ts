import { publicKeyFromProtobuf } from '@libp2p/crypto/keys'
import {
  InvalidMessageError,
  type Connection,
  type Libp2pEvents,
  type PeerId,
  type PeerStore,
  type SignedPeerRecord,
  type TypedEventTarget
} from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import { peerIdFromCID } from '@libp2p/peer-id'
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record'
import { equals } from 'uint8arrays/equals'
import { decodedAddresses, Identified } from './identified.ts'
import type { IdentifyMessage } from './message.ts'

export interface LearnComponents {
  peerStore: PeerStore
  registrar: Pick<Registrar, 'getTopologies'>
  events: TypedEventTarget<Libp2pEvents>
}

/** The multihash code of a key that is its own hash: Ed25519 and secp256k1. */
const IDENTITY = 0x00

/** Takes in what peers say of themselves, and tells it with `peer:identify`. */
export class Learning {
  readonly #components: LearnComponents
  /** Connected peers that are in the peer store by their own word. */
  readonly #stored = new Set<string>()

  constructor(components: LearnComponents) {
    this.#components = components
    components.events.addEventListener('peer:disconnect', ({ detail }) => {
      this.#stored.delete(detail.toString())
    })
  }

  /**
   * Only peers that a service here asks for by protocol (DHT servers) go to the peer store. Their record is verified
   * there. Of all others nothing is kept: what they say came over a connection that proved who they are, and goes no
   * further than the services that are told.
   * @throws InvalidMessageError for the word of another peer
   */
  async take(connection: Connection, message: IdentifyMessage): Promise<Identified> {
    const { registrar, events } = this.#components
    const { remotePeer } = connection
    checkKey(remotePeer, message.publicKey)
    const name = remotePeer.toString()
    const serves = message.protocols.some(protocol => registrar.getTopologies(protocol).length > 0)
    let record: SignedPeerRecord | undefined
    if (serves || this.#stored.has(name)) {
      record = await this.#store(remotePeer, message)
      // It may have left meanwhile, and would be remembered for ever.
      if (connection.status === 'open') this.#stored.add(name)
    } else if (message.listenAddrs.length === 0 && message.signedPeerRecord !== undefined) {
      record = (await opened(remotePeer, message.signedPeerRecord)).record
    }
    const identified = new Identified(connection, message, record)
    events.safeDispatchEvent('peer:identify', { detail: identified })
    return identified
  }

  /** As upstream does, in one write. */
  async #store(peer: PeerId, message: IdentifyMessage): Promise<SignedPeerRecord | undefined> {
    const { peerStore } = this.#components
    const addresses = decodedAddresses(message.listenAddrs)
    const heard = {
      ...(message.protocols.length > 0 && { protocols: message.protocols }),
      ...(message.listenAddrs.length > 0 && {
        addresses: addresses.map(multiaddr => ({ multiaddr, isCertified: false }))
      })
    }
    if (message.signedPeerRecord === undefined) {
      await peerStore.patch(peer, heard)
      return undefined
    }
    const newest = await this.#newest(peer, await opened(peer, message.signedPeerRecord))
    const certified = newest.record.addresses.map(multiaddr => ({ multiaddr, isCertified: true }))
    await peerStore.patch(peer, { ...heard, addresses: certified, peerRecordEnvelope: newest.envelope })
    return newest.record
  }

  /** The record, or the one we have if that is not older: a record is not taken back by an earlier one. */
  async #newest(peer: PeerId, received: Opened): Promise<Opened> {
    const known = await this.#components.peerStore.get(peer).catch(() => undefined)
    if (known?.peerRecordEnvelope === undefined) return received
    const stored = PeerRecord.createFromProtobuf(
      RecordEnvelope.createFromProtobuf(known.peerRecordEnvelope).payload
    )
    if (stored.seqNumber < received.record.seq) return received
    return { envelope: known.peerRecordEnvelope, record: recordOf(stored) }
  }
}

interface Opened {
  envelope: Uint8Array
  record: SignedPeerRecord
}

/** @throws where the record is not signed, or not by that peer for itself */
async function opened(peer: PeerId, envelope: Uint8Array): Promise<Opened> {
  const { publicKey, payload } = await RecordEnvelope.openAndCertify(envelope, PeerRecord.DOMAIN)
  const record = PeerRecord.createFromProtobuf(payload.subarray())
  if (!peer.equals(peerIdFromCID(publicKey.toCID())) || !peer.equals(record.peerId)) {
    throw new InvalidMessageError('the signed record is of another peer')
  }
  // What is stored outlives the buffer that the message lies in.
  return { envelope: envelope.slice(), record: recordOf(record) }
}

const recordOf = ({ seqNumber, multiaddrs }: PeerRecord): SignedPeerRecord => ({
  seq: seqNumber,
  addresses: multiaddrs.filter(({ bytes }) => bytes.byteLength > 0)
})

function checkKey(peer: PeerId, publicKey: Uint8Array | undefined): void {
  if (publicKey === undefined) return
  const { code, digest } = peer.toMultihash()
  if (code === IDENTITY && equals(digest, publicKey)) return
  if (!peer.equals(peerIdFromCID(publicKeyFromProtobuf(publicKey).toCID()))) {
    throw new InvalidMessageError('the public key is of another peer')
  }
}

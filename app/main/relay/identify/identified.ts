import type { Connection, IdentifyResult, PeerId, SignedPeerRecord } from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import type { IdentifyMessage } from './message.ts'

/** The code of such an address in the wire's form (multiformats/multiaddr, protocols.csv). */
const IP4 = 0x04

/** The detail of `peer:identify`. Addresses are decoded by whoever wants them: for most peers that is nobody. */
export class Identified implements IdentifyResult {
  readonly peerId: PeerId
  readonly connection: Connection
  readonly protocols: string[]
  readonly protocolVersion?: string
  readonly agentVersion?: string
  readonly publicKey?: Uint8Array
  readonly signedPeerRecord?: SignedPeerRecord
  /** As the wire has them. */
  readonly addressBytes: readonly Uint8Array[]
  readonly #observed: Uint8Array | undefined

  constructor(connection: Connection, message: IdentifyMessage, signedPeerRecord?: SignedPeerRecord) {
    this.peerId = connection.remotePeer
    this.connection = connection
    this.protocols = message.protocols
    this.protocolVersion = message.protocolVersion
    this.agentVersion = message.agentVersion
    this.publicKey = message.publicKey
    this.signedPeerRecord = signedPeerRecord
    this.addressBytes = signedPeerRecord?.addresses.map(({ bytes }) => bytes) ?? message.listenAddrs
    this.#observed = message.observedAddr
  }

  get listenAddrs(): Multiaddr[] {
    return decodedAddresses(this.addressBytes)
  }

  /** Where the peer sees us, if it is an IPv4 address: without decoding all of it, as it is asked of every peer. */
  get observedIp4(): string | undefined {
    const bytes = this.#observed
    return bytes?.[0] === IP4 && bytes.length > 4 ? bytes.subarray(1, 5).join('.') : undefined
  }

  get observedAddr(): Multiaddr | undefined {
    return this.#observed && decodedAddresses([this.#observed])[0]
  }
}

/** Those that are addresses at all. */
export function decodedAddresses(all: readonly Uint8Array[]): Multiaddr[] {
  return all.flatMap(bytes => {
    try {
      return bytes.byteLength > 0 ? [multiaddr(bytes)] : []
    } catch {
      return []
    }
  })
}

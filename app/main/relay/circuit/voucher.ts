import type { PeerId, PrivateKey, Record as SignedRecord } from '@libp2p/interface'
import { RecordEnvelope } from '@libp2p/peer-record'
import { VoucherMessage } from './pb/messages.ts'

/** The record inside a reservation voucher (circuit v2, "Reservation Vouchers"). */
class VoucherRecord implements SignedRecord {
  readonly domain = 'libp2p-relay-rsvp'
  readonly codec = Uint8Array.of(0x03, 0x02)
  readonly #content: VoucherMessage

  constructor(content: VoucherMessage) {
    this.#content = content
  }

  marshal(): Uint8Array {
    return VoucherMessage.encode(this.#content)
  }

  equals(other: SignedRecord): boolean {
    return other instanceof VoucherRecord && Buffer.compare(this.marshal(), other.marshal()) === 0
  }
}

/** A signed envelope that proves a peer's reservation on this relay until `expire` (Unix time in seconds). */
export async function sealVoucher(
  privateKey: PrivateKey,
  relay: PeerId,
  peer: PeerId,
  expire: bigint
): Promise<Uint8Array> {
  const content = { relay: relay.toMultihash().bytes, peer: peer.toMultihash().bytes, expiration: expire }
  const envelope = await RecordEnvelope.seal(new VoucherRecord(content), privateKey)
  return envelope.marshal()
}

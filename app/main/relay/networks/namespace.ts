import { createHash } from 'node:crypto'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import * as raw from 'multiformats/codecs/raw'

const SHA2_256 = 0x12

/**
 * What a rendezvous namespace is looked up by: the CID of its text's SHA-256, as go-libp2p's routing discovery makes it
 * (`nsToCid`). DHT keys are multihashes: js-libp2p's CIDv0 of the same text is the same key.
 */
export function cidOf(namespace: string): CID {
  const hash = createHash('sha256').update(namespace, 'utf8').digest()
  return CID.createV1(raw.code, Digest.create(SHA2_256, hash))
}

import { generateKeyPairFromSeed, privateKeyFromProtobuf } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'

/** What the bytes of a key file are: a usable key, or which problem, as words that follow "it is" or "it holds". */
export type DecodedKey =
  | { problem: 'none'; privateKey: Ed25519PrivateKey }
  | { problem: 'corrupt'; found: string }
  | { problem: 'wrong-kind'; found: string }

/** KeyType of libp2p's peer id specification. */
const OTHER_KINDS: Record<number, string> = { 0: 'an RSA key', 2: 'a secp256k1 key', 3: 'an ECDSA key' }

/**
 * Reads libp2p's protobuf encoding of a private key (libp2p/specs, peer-ids, "Keys"). The frame is read here,
 * because libp2p's decoder neither tells a damaged key from one of another kind, nor notices a public half that
 * does not belong to the private one.
 */
export async function decodePrivateKey(bytes: Uint8Array): Promise<DecodedKey> {
  if (bytes.length === 0)
    return { problem: 'corrupt', found: 'empty (a crash or a full disk can leave that)' }
  const text = textKind(bytes)
  if (text !== undefined) return { problem: 'wrong-kind', found: text }

  // Field 1 (key type, a varint), then field 2 (the key, by length): the encoding is deterministic.
  const [typeTag, type = -1, dataTag, length] = bytes
  if (typeTag !== 0x08 || dataTag !== 0x12) return { problem: 'corrupt', found: 'no libp2p key' }
  const kind = OTHER_KINDS[type]
  if (kind !== undefined) return { problem: 'wrong-kind', found: kind }
  if (type !== 1) return { problem: 'corrupt', found: 'no libp2p key' }
  // 64 bytes: seed and public key. 96: the public key once more, as old libp2p versions wrote it.
  if ((length !== 64 && length !== 96) || bytes.length !== 4 + length) {
    return { problem: 'corrupt', found: `cut off or damaged (${bytes.length} bytes)` }
  }
  const { raw } = await generateKeyPairFromSeed('Ed25519', bytes.slice(4, 36))
  for (let at = 0; at < length; at++) {
    if (bytes[4 + at] !== raw[at < 64 ? at : at - 32]) {
      return { problem: 'corrupt', found: 'damaged (its two halves do not belong together)' }
    }
  }
  return { problem: 'none', privateKey: privateKeyFromProtobuf(bytes) as Ed25519PrivateKey }
}

/** Whoever put a text file there meant a key in another wrapping, so it is of another kind rather than damaged. */
function textKind(bytes: Uint8Array): string | undefined {
  if (
    !bytes.every(byte => byte === 0x09 || byte === 0x0a || byte === 0x0d || (byte >= 0x20 && byte < 0x7f))
  ) {
    return undefined
  }
  const text = new TextDecoder().decode(bytes).trim()
  if (text.startsWith('-----BEGIN AGE ENCRYPTED FILE-----')) return 'an encrypted backup'
  if (text.startsWith('-----BEGIN')) return 'a PEM text'
  if (text.startsWith('{') || text.startsWith('[')) return 'a JSON text'
  if (/^[0-9a-fA-F\s]{40,}$/.test(text)) return 'a hexadecimal text'
  if (/^[\w+/=\s-]{40,}$/.test(text)) return 'a base64 text'
  return undefined
}

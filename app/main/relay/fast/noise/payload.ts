import { publicKeyFromProtobuf } from '@libp2p/crypto/keys'
import {
  InvalidCryptoExchangeError,
  UnexpectedPeerError,
  type PeerId,
  type PublicKey
} from '@libp2p/interface'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import {
  BYTES,
  codec,
  readNested,
  tag,
  writeNested,
  type Fields,
  type MessageCodec,
  type Write
} from '../../protobuf.ts'
import type { NoiseCrypto } from './crypto.ts'

interface ExtensionsMessage {
  streamMuxers: string[]
}

/** What the handshake carries (libp2p/specs, noise, "The libp2p Handshake Payload"). */
export interface PayloadMessage {
  identityKey: Uint8Array
  identitySig: Uint8Array
  extensions?: ExtensionsMessage
}

const noExtensions = (): ExtensionsMessage => ({ streamMuxers: [] })
const writeExtensions: Write<ExtensionsMessage> = (value, writer) => {
  for (const muxer of value.streamMuxers) tag(writer, 2, BYTES).string(muxer)
}
const extensionsFields: Fields<ExtensionsMessage> = {
  2: [BYTES, (into, reader) => into.streamMuxers.push(reader.string())]
}

export const payloadCodec: MessageCodec<PayloadMessage> = codec<PayloadMessage>(
  (value, writer) => {
    tag(writer, 1, BYTES).bytes(value.identityKey)
    tag(writer, 2, BYTES).bytes(value.identitySig)
    writeNested(writer, 4, value.extensions, writeExtensions)
  },
  () => ({ identityKey: new Uint8Array(), identitySig: new Uint8Array() }),
  {
    1: [BYTES, (into, reader) => (into.identityKey = reader.bytes())],
    2: [BYTES, (into, reader) => (into.identitySig = reader.bytes())],
    4: [BYTES, (into, reader) => (into.extensions = readNested(noExtensions(), reader, extensionsFields))]
  }
)

const SIGNED_PREFIX = Buffer.from('noise-libp2p-static-key:')

/** What an identity key signs, to say that a static key is its own. */
export const signedBytes = (staticKey: Uint8Array): Buffer => Buffer.concat([SIGNED_PREFIX, staticKey])

/** Who the other side has proved to be. */
export interface Proved {
  remotePeer: PeerId
  /** In its order; empty where it says nothing of them. */
  muxers: readonly string[]
}

/**
 * Verifies a payload against the static key that the handshake used. Throws `InvalidCryptoExchangeError`,
 * `UnsupportedKeyTypeError`, or `UnexpectedPeerError` where it is not the peer that was wanted.
 */
export async function verifyPayload(
  payload: Buffer,
  staticKey: Buffer,
  crypto: NoiseCrypto,
  wanted: PeerId | undefined
): Promise<Proved> {
  const { key, message } = decodePayload(payload)
  const remotePeer = peerIdFromPublicKey(key)
  if (wanted !== undefined && !wanted.equals(remotePeer))
    throw new UnexpectedPeerError(`the peer is ${remotePeer.toString()}, not ${wanted.toString()}`)
  if (!(await isSigned(key, signedBytes(staticKey), message.identitySig, crypto)))
    throw new InvalidCryptoExchangeError('the peer did not sign its Noise key')
  return { remotePeer, muxers: message.extensions?.streamMuxers ?? [] }
}

function decodePayload(payload: Buffer): { key: PublicKey; message: PayloadMessage } {
  try {
    const message = payloadCodec.decode(payload)
    return { key: publicKeyFromProtobuf(message.identityKey), message }
  } catch {
    throw new InvalidCryptoExchangeError("the peer's Noise payload holds no identity")
  }
}

async function isSigned(
  key: PublicKey,
  signed: Buffer,
  signature: Uint8Array,
  crypto: NoiseCrypto
): Promise<boolean> {
  try {
    if (key.type === 'Ed25519' && crypto.verifyEd25519 !== undefined)
      return crypto.verifyEd25519(key.raw, signed, signature)
    return await key.verify(signed, signature)
  } catch {
    // Some kinds of keys throw at signatures that are malformed.
    return false
  }
}

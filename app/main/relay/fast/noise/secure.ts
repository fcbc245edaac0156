import { publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { InvalidCryptoExchangeError, type PeerId, type PrivateKey } from '@libp2p/interface'
import type { Page, RawDuct, SecureDuct } from '../duct.ts'
import type { KeyPair, NoiseCrypto } from './crypto.ts'
import { Handshake } from './handshake.ts'
import { noiseCrypto } from './load-crypto.ts'
import { MessageReader } from './message-reader.ts'
import { LENGTH_BYTES, NoiseDuct } from './noise-duct.ts'
import { payloadCodec, signedBytes, verifyPayload, type Proved } from './payload.ts'

/** What a node proves itself with in every handshake. */
export interface NoiseIdentity {
  readonly crypto: NoiseCrypto
  readonly staticKey: KeyPair
  /** Its public key, in libp2p's encoding, and what that signed. */
  readonly identityKey: Uint8Array
  readonly identitySig: Uint8Array
}

/** Once for a node: its static key then needs one signature, where each handshake would cost one. */
export async function noiseIdentity(privateKey: PrivateKey, crypto?: NoiseCrypto): Promise<NoiseIdentity> {
  crypto ??= await noiseCrypto()
  const staticKey = crypto.keyPair()
  return {
    crypto,
    staticKey,
    identityKey: publicKeyToProtobuf(privateKey.publicKey),
    identitySig: await privateKey.sign(signedBytes(staticKey.publicKey))
  }
}

export interface SecureNoiseInit {
  role: 'initiator' | 'responder'
  identity: NoiseIdentity
  /** Who the other side must be. */
  remotePeer?: PeerId | undefined
  /** What we would multiplex with, best first. Empty: says nothing of it. */
  muxers: readonly string[]
  signal: AbortSignal
}

export interface NoiseSecured {
  /** Paused, as it has no reader yet. */
  duct: SecureDuct
  remotePeer: PeerId
  /** Where both sides say what they multiplex with. */
  muxer?: string
}

/**
 * Encrypts a duct with Noise XX, and proves to each side who the other is (libp2p/specs, noise). Rejects with
 * `InvalidCryptoExchangeError`, `UnexpectedPeerError`, the error the duct ended with, or the signal's reason; the duct is
 * destroyed then.
 */
export async function secureNoise(raw: RawDuct, init: SecureNoiseInit): Promise<NoiseSecured> {
  const { role, identity, muxers, signal } = init
  const { crypto, staticKey } = identity
  const handshake = new Handshake({ role, crypto, staticKey })
  const messages = new MessageReader(raw, signal)
  try {
    const extensions = muxers.length === 0 ? undefined : { streamMuxers: [...muxers] }
    const payload = payloadCodec.encode({ ...identity, extensions })
    const prove = async (message: Buffer): Promise<Proved> =>
      verifyPayload(handshake.read(message), handshake.remoteStatic, crypto, init.remotePeer)
    let proved: Proved
    if (role === 'initiator') {
      sendMessage(raw, handshake.write())
      proved = await prove(await messages.next())
      sendMessage(raw, handshake.write(payload))
    } else {
      handshake.read(await messages.next())
      sendMessage(raw, handshake.write(payload))
      proved = await prove(await messages.next())
    }
    const muxer = chooseMuxer(role === 'initiator', muxers, proved.muxers)
    messages.finish()
    return { duct: new NoiseDuct(raw, handshake.split()), remotePeer: proved.remotePeer, muxer }
  } catch (error) {
    messages.fail(error as Error)
    throw error
  }
}

function sendMessage(raw: RawDuct, message: Buffer): void {
  const start = raw.headroom
  const end = start + LENGTH_BYTES + message.byteLength
  // Much smaller than the pages for data.
  const page: Page = { bytes: Buffer.allocUnsafe(end), release: () => {} }
  page.bytes.writeUInt16BE(message.byteLength, start)
  page.bytes.set(message, start + LENGTH_BYTES)
  raw.send(page, start, end)
}

/** The first of the initiator's that the responder has too (libp2p/specs, connections/inlined-muxer-negotiation). */
function chooseMuxer(
  isInitiator: boolean,
  ours: readonly string[],
  theirs: readonly string[]
): string | undefined {
  if (ours.length === 0 || theirs.length === 0) return undefined
  const [first, second] = isInitiator ? [ours, theirs] : [theirs, ours]
  const muxer = first.find(protocol => second.includes(protocol))
  if (muxer === undefined) throw new InvalidCryptoExchangeError('the peer has no muxer that we have')
  return muxer
}

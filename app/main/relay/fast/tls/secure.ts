import { constants } from 'node:crypto'
import { connect, createSecureContext, TLSSocket, type SecureContext } from 'node:tls'
import { InvalidCryptoExchangeError, type PeerId, type PrivateKey } from '@libp2p/interface'
import type { RawDuct, SecureDuct } from '../duct.ts'
import { SocketDuct } from '../socket-duct.ts'
import { createCertificate } from './certificate.ts'
import { DuctStream } from './duct-stream.ts'
import { TlsDuct } from './tls-duct.ts'
import { verifyCertificate } from './verify.ts'

/** Says that the muxer is agreed on later (libp2p/specs, tls, "ALPN"). */
const LATER = 'libp2p'
/** The shortest keys first: they are what Noise has, and cost least. BoringSSL goes by what the CPU can do. */
const CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384'

/** What a node proves itself with in every handshake, and what it would multiplex with. */
export interface TlsIdentity {
  readonly context: SecureContext
  readonly applicationProtocols: string[]
}

/** Once for a node. The muxers are what may be agreed on within the handshake, best first. */
export async function tlsIdentity(privateKey: PrivateKey, muxers: readonly string[]): Promise<TlsIdentity> {
  const context = createSecureContext({
    ...(await createCertificate(privateKey)),
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ciphers: CIPHERS,
    honorCipherOrder: true,
    // A phone without AES in its CPU says so by its order. Nobody resumes a session: who it is is proved anew.
    secureOptions: constants.SSL_OP_NO_TICKET | (constants.SSL_OP_PRIORITIZE_CHACHA ?? 0)
  })
  return { context, applicationProtocols: [...muxers, LATER] }
}

export interface SecureTlsInit {
  role: 'initiator' | 'responder'
  identity: TlsIdentity
  /** Who the other side must be. */
  remotePeer?: PeerId | undefined
  signal: AbortSignal
}

export interface TlsSecured {
  /** Paused, as it has no reader yet. */
  duct: SecureDuct
  remotePeer: PeerId
  /** Where both sides agreed on it within the handshake. */
  muxer?: string
}

/**
 * Encrypts a duct with TLS 1.3, and proves to each side who the other is (libp2p/specs, tls). Rejects with
 * `InvalidCryptoExchangeError`, `UnexpectedPeerError`, what the TLS library or the duct failed with, or the signal's reason;
 * the duct is destroyed then.
 */
export async function secureTls(raw: RawDuct, init: SecureTlsInit): Promise<TlsSecured> {
  const { signal, remotePeer: expected } = init
  if (signal.aborted) raw.destroy()
  signal.throwIfAborted()
  const { socket, duct } = open(raw, init)
  const abort = (): void => duct.destroy(signal.reason as Error)
  signal.addEventListener('abort', abort)
  try {
    await established(duct, socket)
    const certificate = socket.getPeerX509Certificate()
    if (certificate === undefined) throw new InvalidCryptoExchangeError('the peer showed no certificate')
    const remotePeer = await verifyCertificate(certificate, expected)
    signal.throwIfAborted()
    const { alpnProtocol } = socket
    const muxer = typeof alpnProtocol === 'string' && alpnProtocol !== LATER ? alpnProtocol : undefined
    return { duct, remotePeer, ...(muxer !== undefined && { muxer }) }
  } catch (error) {
    duct.destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function open(raw: RawDuct, { role, identity }: SecureTlsInit): { socket: TLSSocket; duct: TlsDuct } {
  const tcp = raw instanceof SocketDuct ? raw.handOver() : undefined
  const carrier = tcp ?? new DuctStream(raw)
  const options = {
    secureContext: identity.context,
    ALPNProtocols: identity.applicationProtocols,
    requestCert: true,
    // Nobody's authority is behind these certificates; they are verified after the handshake.
    rejectUnauthorized: false
  }
  const socket =
    role === 'responder'
      ? new TLSSocket(carrier, { ...options, isServer: true })
      : connect({ ...options, socket: carrier })
  return { socket, duct: new TlsDuct(socket, tcp) }
}

/** Resolves when the handshake is over. */
async function established(duct: TlsDuct, socket: TLSSocket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.once('secure', resolve)
  duct.reader = {
    onBytes: () => {},
    onDrain: () => {},
    onEnd: () =>
      reject(new InvalidCryptoExchangeError('the peer ended the connection during the TLS handshake')),
    onClose: error =>
      reject(error ?? new InvalidCryptoExchangeError('the connection was closed during the TLS handshake'))
  }
  try {
    await promise
  } finally {
    socket.removeListener('secure', resolve)
    duct.reader = undefined
  }
}

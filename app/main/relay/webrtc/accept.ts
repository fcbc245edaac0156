import { noise } from '@libp2p/noise'
import type { ComponentLogger, PeerId, PrivateKey, Upgrader } from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import type { Greet } from '../direct-streams.ts'
import type { Backlog } from './backlog.ts'
import { certhashOf, multihashOf, type WebRtcCertificate } from './certificate.ts'
import { Channels, WebRtcConnection } from './connection.ts'
import { LONGEST_MESSAGE_BYTES } from './frames.ts'
import type { NativeWebRtc, PeerConnection } from './native.ts'
import type { WebRtcStream } from './stream.ts'
import type { CarriedBothWays } from './traffic.ts'

export interface AcceptComponents {
  native: NativeWebRtc
  certificate: WebRtcCertificate
  privateKey: PrivateKey
  peerId: PeerId
  logger: ComponentLogger
  upgrader: Upgrader
  windowBytes: number
  backlog: Backlog
  greet?: Greet | undefined
}

/** Where a client comes from, and the secret that it made up for both sides. */
export interface Caller {
  ip: string
  port: number
  ufrag: string
}

export interface Acceptance {
  caller: Caller
  carried: CarriedBothWays
  /** The client is where it says: throws where it may not go on. */
  admit: () => void
  signal: AbortSignal
}

/** How long a client may take to answer the first request: it has just been heard. */
const ANSWER_MS = 3000

const PROLOGUE = Buffer.from('libp2p-webrtc-noise:')

/** A connection of the library for a client whose first STUN request has come. */
export function openPeerConnection(
  { native, certificate }: AcceptComponents,
  { ufrag }: Caller,
  port: number
): PeerConnection {
  return new native.PeerConnection(ufrag.slice(-8), {
    certificatePemFile: certificate.cert,
    keyPemFile: certificate.key,
    // Which socket it shares.
    enableIceUdpMux: true,
    portRangeBegin: port,
    portRangeEnd: port,
    // Its candidates are the socket's: nobody is asked for others.
    iceServers: [],
    // The client's certificate is bound to its libp2p key by Noise.
    disableFingerprintVerification: true,
    disableAutoNegotiation: true,
    maxMessageSize: LONGEST_MESSAGE_BYTES
  })
}

/**
 * Answers a client as the specification's server (libp2p/specs, webrtc, webrtc-direct.md): without its offer, which is
 * made up from where it comes from, then by Noise over channel 0, which proves who both are. Resolves when libp2p has
 * the connection.
 */
export async function accept(
  components: AcceptComponents,
  native: PeerConnection,
  { caller, carried, admit, signal }: Acceptance
): Promise<WebRtcConnection> {
  const { upgrader, logger, privateKey, peerId, certificate, windowBytes, backlog, greet } = components
  const log = logger.forComponent('waystation:webrtc:inbound')
  const channels = new Channels(native, { log, windowBytes, backlog, carried, greet })
  const handshake = channels.streamOf(native.createDataChannel('', { negotiated: true, id: 0 }), 'outbound')
  const opened = whenConnected(native, signal)
  native.setRemoteDescription(offerOf(caller), 'offer')
  native.setLocalDescription('answer', { iceUfrag: caller.ufrag, icePwd: caller.ufrag })
  await opened
  admit()
  const fingerprint = Buffer.from(native.remoteFingerprint().value.replaceAll(':', ''), 'hex')
  const remote = await proveIdentity(handshake)
  const connection = new WebRtcConnection(native, addressOf(caller, fingerprint, remote), log)
  native.onStateChange(state => {
    if (isOver(state)) connection.onTransportClosed()
  })
  if (isOver(native.state())) throw new Error('the client has gone')
  await upgrader.upgradeInbound(connection, {
    skipEncryption: true,
    skipProtection: true,
    remotePeer: remote,
    muxerFactory: channels.factory,
    signal
  })
  return connection

  async function proveIdentity(stream: WebRtcStream): Promise<PeerId> {
    const prologueBytes = Buffer.concat([
      PROLOGUE,
      multihashOf(fingerprint),
      multihashOf(certificate.fingerprint)
    ])
    const encrypter = noise({ prologueBytes })({ privateKey, peerId, logger, upgrader })
    // The server begins, as if it had dialled.
    const { remotePeer } = await encrypter.secureOutbound(stream, {
      signal,
      skipStreamMuxerNegotiation: true
    })
    return remotePeer
  }
}

export const isOver = (state: string): boolean =>
  state === 'closed' || state === 'failed' || state === 'disconnected'

const isUnanswered = (iceState: string): boolean => iceState === 'new' || iceState === 'checking'

/** Resolves when DTLS and SCTP are up. */
async function whenConnected(native: PeerConnection, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onAbort = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  native.onStateChange(state => {
    if (state === 'connected') resolve()
    else if (isOver(state)) reject(new Error(`the connection is ${state}`))
  })
  const timer = setTimeout(() => {
    if (isUnanswered(native.iceState())) reject(new Error('the client does not answer'))
  }, ANSWER_MS)
  try {
    if (signal.aborted) onAbort()
    await promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

/** What the client would have offered. */
function offerOf({ ip, port, ufrag }: Caller): string {
  const family = ip.includes(':') ? 'IP6' : 'IP4'
  return [
    'v=0',
    `o=- 0 0 IN ${family} ${ip}`,
    's=-',
    `c=IN ${family} ${ip}`,
    't=0 0',
    'a=ice-options:ice2,trickle',
    `m=application ${port} UDP/DTLS/SCTP webrtc-datachannel`,
    'a=mid:0',
    'a=setup:active',
    `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${ufrag}`,
    // Its certificate is seen when it comes.
    `a=fingerprint:sha-256 ${Array(32).fill('00').join(':')}`,
    'a=sctp-port:5000',
    `a=max-message-size:${LONGEST_MESSAGE_BYTES}`,
    `a=candidate:1467250027 1 UDP 1467250027 ${ip} ${port} typ host`,
    'a=end-of-candidates',
    ''
  ].join('\n')
}

function addressOf({ ip, port }: Caller, fingerprint: Uint8Array, peer: PeerId): Multiaddr {
  const at = `/ip${ip.includes(':') ? 6 : 4}/${ip}/udp/${port}`
  return multiaddr(`${at}/webrtc-direct/certhash/${certhashOf(fingerprint)}/p2p/${peer.toString()}`)
}

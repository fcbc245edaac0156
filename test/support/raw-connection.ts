import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { connectDuct } from '../../app/main/relay/fast/dialer.ts'
import type { SecureDuct } from '../../app/main/relay/fast/duct.ts'
import { proposeProtocol } from '../../app/main/relay/fast/negotiate.ts'
import { noiseIdentity, secureNoise } from '../../app/main/relay/fast/noise/secure.ts'
import type { SocketDuct } from '../../app/main/relay/fast/socket-duct.ts'
import { secureTls, tlsIdentity } from '../../app/main/relay/fast/tls/secure.ts'
import { DATA, HEADER_BYTES, putHeader } from '../../app/main/relay/fast/yamux/frame.ts'

/** Connections whose frames a test writes by hand, over TCP. */

const YAMUX = '/yamux/1.0.0'

export interface RawConnection {
  tcp: SocketDuct
  duct: SecureDuct
}

/** Up to the muxer, which is agreed on within the handshake if there are any. */
export async function rawConnection(
  address: string,
  encrypter: '/noise' | '/tls/1.0.0',
  muxers = [YAMUX]
): Promise<RawConnection> {
  const signal = AbortSignal.timeout(5000)
  const tcp = await connectDuct(multiaddr(address), signal)
  tcp.unshift((await proposeProtocol(tcp, [encrypter], signal)).rest)
  const privateKey = await generateKeyPair('Ed25519')
  const init = { role: 'initiator', muxers, signal } as const
  const { duct } =
    encrypter === '/noise'
      ? await secureNoise(tcp, { ...init, identity: await noiseIdentity(privateKey) })
      : await secureTls(tcp, { ...init, identity: await tlsIdentity(privateKey, muxers) })
  return { tcp, duct }
}

/** A frame of Yamux; one of data has its payload behind it. */
export function yamuxFrame(type: number, flags: number, stream: number, what: number | Uint8Array): Buffer {
  const payload = typeof what === 'number' ? Buffer.alloc(0) : what
  const header = Buffer.alloc(HEADER_BYTES)
  putHeader(header, type, flags, stream, typeof what === 'number' ? what : what.byteLength)
  return Buffer.concat([header, payload])
}

export const dataFrame = (stream: number, payload: Uint8Array, flags = 0): Buffer =>
  yamuxFrame(DATA, flags, stream, payload)

/** Proposes a protocol, as multistream-select has it. */
export function proposal(protocol: string): Buffer {
  const line = (text: string): string => `${String.fromCharCode(text.length + 1)}${text}\n`
  return Buffer.from(line('/multistream/1.0.0') + line(protocol))
}

import { randomBytes } from 'node:crypto'
import { generateKeyPair, publicKeyFromProtobuf, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { peerIdFromPublicKey } from '@libp2p/peer-id'

const SCHEME = 'libp2p-PeerID'

type Part = readonly [name: string, value: string | Uint8Array]

export type Answer = { headers: Record<string, string>; peer?: string }

/**
 * The server's side of libp2p's HTTP peer id authentication (libp2p/specs http/peer-id-auth.md), where the client
 * begins: it proves who we are, and the client who it is.
 */
export class PeerIdAuthServer {
  readonly #key: Ed25519PrivateKey
  /** By what it calls them, the clients that were challenged. */
  readonly #challenged = new Map<string, { challenge: string; key: string }>()

  private constructor(key: Ed25519PrivateKey) {
    this.#key = key
  }

  static async create(): Promise<PeerIdAuthServer> {
    return new PeerIdAuthServer(await generateKeyPair('Ed25519'))
  }

  /** A challenge, as long as the client has not proved who it is. @throws where its proof does not hold */
  async answer(hostname: string, authorization: string): Promise<Answer> {
    const given = Object.fromEntries(
      [...authorization.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value])
    )
    const challenged = this.#challenged.get(given['opaque'] ?? '')
    if (challenged === undefined) return this.#challenge(hostname, given)
    const key = publicKeyFromProtobuf(Buffer.from(challenged.key, 'base64url'))
    const proof = text([
      ['challenge-client', challenged.challenge],
      ['hostname', hostname],
      ['server-public-key', this.#publicKey]
    ])
    if (!(await key.verify(proof, Buffer.from(given['sig'] ?? '', 'base64url')))) {
      throw new Error('the client did not prove who it is')
    }
    return { headers: {}, peer: peerIdFromPublicKey(key).toString() }
  }

  async #challenge(hostname: string, given: Record<string, string>): Promise<Answer> {
    const key = given['public-key'] ?? ''
    const [opaque, challenge] = [randomBytes(32).toString('base64url'), randomBytes(32).toString('base64url')]
    this.#challenged.set(opaque, { challenge, key })
    const proof = text([
      ['challenge-server', given['challenge-server'] ?? ''],
      ['client-public-key', Buffer.from(key, 'base64url')],
      ['hostname', hostname]
    ])
    const said = {
      'challenge-client': challenge,
      'public-key': padded(this.#publicKey),
      sig: padded(await this.#key.sign(proof)),
      opaque
    }
    const params = Object.entries(said).map(([name, value]) => `${name}="${value}"`)
    return { headers: { 'www-authenticate': `${SCHEME} ${params.join(', ')}` } }
  }

  get #publicKey(): Uint8Array {
    return publicKeyToProtobuf(this.#key.publicKey)
  }
}

/** What is signed: each part with its length in front, in the order of their names. None is longer than 127 bytes. */
function text(parts: readonly Part[]): Buffer {
  const pieces = parts.map(([name, value]) => Buffer.concat([Buffer.from(`${name}=`), Buffer.from(value)]))
  const framed = pieces.flatMap(piece => [Buffer.from([piece.length]), piece])
  return Buffer.concat([Buffer.from(SCHEME), ...framed])
}

function padded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('+', '-').replaceAll('/', '_')
}

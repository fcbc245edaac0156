import { constants, createPrivateKey, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { createSecureContext, type SecureContext, type SecureVersion } from 'node:tls'

/** A certificate chain and the key of its first certificate, PEM. */
export interface Pem {
  cert: string
  key: string
}

/** `files`: those of the settings; `auto-tls`: got by the node itself. */
export type CertificateSource = 'files' | 'auto-tls'

/** What is told of a certificate. */
export interface CertificateFacts {
  source: CertificateSource
  /** Host names and IP addresses. */
  names: string[]
  validFrom: Date
  validTo: Date
  /** SHA-256: `AB:CD:…` */
  fingerprint: string
}

interface Served extends CertificateFacts {
  pem: Pem
  x509: X509Certificate
  context: SecureContext
}

/** The better for a name that several stand for comes first. */
const SOURCES: readonly CertificateSource[] = ['files', 'auto-tls']

/** The certificates that a listener serves, each connection the one for the name that it asks for. */
export class Certificates {
  readonly #served = new Map<CertificateSource, Served>()
  #minVersion: SecureVersion = 'TLSv1.3'

  /** For connections from now on. @throws where TLS can serve no such thing; what there was goes on then */
  use(source: CertificateSource, pem: Pem | undefined): void {
    if (pem === undefined) this.#served.delete(source)
    else this.#served.set(source, this.#serve(source, pem))
  }

  setMinVersion(version: SecureVersion): void {
    if (version === this.#minVersion) return
    this.#minVersion = version
    for (const { source, pem } of this.#all) this.#served.set(source, this.#serve(source, pem))
  }

  get size(): number {
    return this.#served.size
  }

  facts(): CertificateFacts[] {
    return this.#all.map(({ source, names, validFrom, validTo, fingerprint }) => ({
      source,
      names,
      validFrom,
      validTo,
      fingerprint
    }))
  }

  /** Whether one of them is for this host name or IP address. */
  names(host: string): boolean {
    return this.#all.some(({ x509 }) => isNamedBy(x509, host))
  }

  /** For one who asks for no name, or none that there is: the first. */
  contextFor(name: string | undefined): SecureContext | undefined {
    const all = this.#all
    const named = name === undefined ? undefined : all.find(({ x509 }) => isNamedBy(x509, name))
    return (named ?? all[0])?.context
  }

  get #all(): Served[] {
    return SOURCES.flatMap(source => this.#served.get(source) ?? [])
  }

  #serve(source: CertificateSource, pem: Pem): Served {
    const x509 = new X509Certificate(pem.cert)
    if (!x509.checkPrivateKey(createPrivateKey(pem.key)))
      throw new Error('the key is that of another certificate')
    return {
      source,
      pem,
      x509,
      context: createSecureContext({
        ...pem,
        minVersion: this.#minVersion,
        // TLS 1.2 lets clients have us do the work of handshakes again and again, and Node crashes where it ends one for that.
        secureOptions: constants.SSL_OP_NO_RENEGOTIATION
      }),
      names: [...alternativeNames(x509, 'DNS:'), ...alternativeNames(x509, 'IP Address:')],
      validFrom: new Date(x509.validFrom),
      validTo: new Date(x509.validTo),
      fingerprint: x509.fingerprint256
    }
  }
}

/** Whether clients take the certificate for that host of a URL: a name, an IPv4 address or an IPv6 one in brackets. */
export function isNamedBy(x509: X509Certificate, host: string): boolean {
  const ip = host.replace(/^\[(.*)\]$/, '$1')
  if (isIP(ip) !== 0) return x509.checkIP(ip) !== undefined
  // A name that begins with a dot would stand for all below it.
  if (!/^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/i.test(host)) return false
  return x509.checkHost(host, { subject: 'never' }) !== undefined
}

/** @param prefix `DNS:` or `IP Address:` */
export function alternativeNames({ subjectAltName = '' }: X509Certificate, prefix: string): string[] {
  return subjectAltName
    .split(', ')
    .filter(part => part.startsWith(prefix))
    .map(part => part.slice(prefix.length).toLowerCase())
    .filter(name => !name.startsWith('"'))
}

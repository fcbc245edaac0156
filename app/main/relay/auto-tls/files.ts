import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { systemCode } from '../../../shared/errors.ts'
import { replaceWhole } from '../whole-file.ts'

/** A certificate chain and its key, as PEM. */
export interface Pem {
  cert: string
  key: string
}

export interface Held extends Pem {
  validFrom: Date
  validTo: Date
}

/** Folder of the data folder that all of it lies in. */
export const AUTO_TLS_FOLDER = 'auto-tls'
const ACCOUNT = 'account.pem'
const CERTIFICATE = 'certificate.pem'
const SECRET = 0o600

/**
 * What is kept: the key of the account, and the certificate in one file with its key, so that one never belongs to
 * another of the other.
 */
export class AutoTlsFiles {
  readonly #dir: string

  constructor(dataDir: string) {
    this.#dir = path.join(dataDir, AUTO_TLS_FOLDER)
  }

  /** The certificate of `*.DOMAIN`; undefined if there is none that does: another is asked for then. */
  async certificate(domain: string): Promise<Held | undefined> {
    const text = await this.#read(CERTIFICATE)
    if (text === undefined) return undefined
    const [key = ''] = blocks(text, '(?:RSA |EC )?PRIVATE KEY')
    return heldOf({ cert: blocks(text, 'CERTIFICATE').join(''), key }, domain)
  }

  async keepCertificate({ cert, key }: Pem): Promise<void> {
    await this.#write(CERTIFICATE, `${key.trim()}\n${cert.trim()}\n`)
  }

  async accountKey(): Promise<KeyObject | undefined> {
    const text = await this.#read(ACCOUNT)
    try {
      return text === undefined ? undefined : createPrivateKey(text)
    } catch {
      // An account costs nothing: another is made.
      return undefined
    }
  }

  async keepAccountKey(key: KeyObject): Promise<void> {
    await this.#write(ACCOUNT, key.export({ format: 'pem', type: 'pkcs8' }))
  }

  async #read(name: string): Promise<string | undefined> {
    try {
      return await readFile(path.join(this.#dir, name), 'utf8')
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined
      throw error
    }
  }

  async #write(name: string, content: string | Buffer): Promise<void> {
    await mkdir(this.#dir, { mode: 0o700, recursive: true })
    await replaceWhole(path.join(this.#dir, name), content, SECRET)
  }
}

/** Undefined where it is no certificate for every name in that domain, or the key belongs to another. */
export function heldOf(pem: Pem, domain: string): Held | undefined {
  try {
    const x509 = new X509Certificate(pem.cert)
    if (x509.checkHost(`name.${domain}`) === undefined) return undefined
    if (!x509.checkPrivateKey(createPrivateKey(pem.key))) return undefined
    return { ...pem, validFrom: new Date(x509.validFrom), validTo: new Date(x509.validTo) }
  } catch {
    return undefined
  }
}

function blocks(text: string, label: string): string[] {
  const form = new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----\\r?\\n?`, 'g')
  return text.match(form) ?? []
}

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { AppError, messageOf, systemCode } from '../../../shared/errors.ts'
import type { Key } from '../../../shared/settings.ts'
import type { Pem } from './certificates.ts'

/** Where the certificate chain and its private key lie, both PEM. */
export interface CertificatePaths {
  certificate: string
  key: string
}

/** The settings that give the paths. */
export interface CertificateSettings {
  certificate: Key
  key: Key
  /** What else could be done where a file cannot be read: the end of a sentence. */
  instead: string
}

/** A certificate that can be served. */
export interface LoadedCertificate extends Pem {
  x509: X509Certificate
}

/** Reads both files. @throws AppError bad-setting, with the setting to blame */
export async function loadCertificate(
  paths: CertificatePaths,
  settings: CertificateSettings
): Promise<LoadedCertificate> {
  const both = { paths, settings }
  return checked(await readBoth(both), both)
}

async function readBoth(both: Both): Promise<Pem> {
  const [cert, key] = await Promise.all([readPem('certificate', both), readPem('key', both)])
  return { cert, key }
}

interface Both {
  paths: CertificatePaths
  settings: CertificateSettings
}

function checked({ cert, key }: Pem, both: Both): LoadedCertificate {
  const { paths, settings } = both
  const x509 = parsed('certificate', both, 'no certificate (PEM)', () => new X509Certificate(cert))
  const privateKey = parsed('key', both, 'no private key (PEM) without a passphrase', () =>
    createPrivateKey(key)
  )
  if (!x509.checkPrivateKey(privateKey)) {
    const message = `${paths.key} (${settings.key}) is not the key of the certificate in ${paths.certificate} (${settings.certificate}): the first certificate of the chain must be the node's own.`
    throw new AppError('bad-setting', message, { setting: settings.key })
  }
  parsed('certificate', both, 'nothing that TLS can serve', () => createSecureContext({ cert, key }))
  return { cert, key, x509 }
}

async function readPem(which: keyof CertificatePaths, { paths, settings }: Both): Promise<string> {
  const file = paths[which]
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const code = systemCode(error)
    const why =
      code === 'ENOENT'
        ? 'it does not exist'
        : code === 'EACCES' || code === 'EPERM'
          ? 'the user who runs the node may not read it'
          : messageOf(error)
    const message = `${file} (${settings[which]}) cannot be read: ${why}. Mend that, or ${settings.instead}.`
    throw new AppError('bad-setting', message, { setting: settings[which], file }, error)
  }
}

function parsed<T>(
  which: keyof CertificatePaths,
  { paths, settings }: Both,
  what: string,
  parse: () => T
): T {
  try {
    return parse()
  } catch (error) {
    const message = `${paths[which]} (${settings[which]}) holds ${what}: ${messageOf(error)}.`
    throw new AppError('bad-setting', message, { setting: settings[which], file: paths[which] }, error)
  }
}

export interface CertificateFilesComponents {
  /** A certificate that can be served, unlike the one before. */
  use: (certificate: LoadedCertificate) => void
  /** A sentence for the log. */
  warn: (sentence: string) => void
}

export interface CertificateFilesOptions extends Both {
  everyMs: number
}

/**
 * Looks at the files again and again, because a renewal replaces them, and hands on what can be served; until then the
 * certificate before goes on. What cannot be served at two looks in a row, so that it is no half-done renewal, is told
 * once.
 */
export class CertificateFiles {
  readonly #components: CertificateFilesComponents
  readonly #options: CertificateFilesOptions
  #current: Pem | undefined
  #failure: Error | undefined
  #trouble: string | undefined
  #timer: ReturnType<typeof setInterval> | undefined
  #looking: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(components: CertificateFilesComponents, options: CertificateFilesOptions) {
    this.#components = components
    this.#options = options
  }

  /** Why the files cannot be served now. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** @throws what is wrong with them now, told already; it goes on looking */
  async start(current?: Pem): Promise<void> {
    this.#current = current
    this.#timer = setInterval(() => void this.look(), this.#options.everyMs)
    this.#timer.unref()
    if (current !== undefined) return
    await this.look()
    if (this.#failure === undefined) return
    this.#tell(this.#failure.message)
    throw this.#failure
  }

  look(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#look())
    return this.#looking
  }

  stop(): void {
    this.#stopped = true
    clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    try {
      const next = await readBoth(this.#options)
      const isNew = next.cert !== this.#current?.cert || next.key !== this.#current.key
      const loaded = isNew ? checked(next, this.#options) : undefined
      if (this.#stopped) return
      this.#failure = this.#trouble = undefined
      if (loaded === undefined) return
      this.#current = next
      this.#components.use(loaded)
    } catch (error) {
      if (this.#stopped) return
      const failure = error as Error
      if (failure.message === this.#failure?.message) this.#tell(failure.message)
      this.#failure = failure
    }
  }

  #tell(sentence: string): void {
    if (sentence === this.#trouble) return
    this.#trouble = sentence
    this.#components.warn(sentence)
  }
}

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import os from 'node:os'
import { createSecureContext } from 'node:tls'
import { AppError, messageOf, systemCode } from '../../shared/errors.ts'

/** Where the certificate chain and its private key lie, both PEM. */
export interface TlsFiles {
  certificate: string
  key: string
}

/** A certificate that can be served. */
export interface ServedCertificate {
  /** PEM, as the files have it. */
  cert: string
  key: string
  x509: X509Certificate
}

const SETTINGS = { certificate: 'control.tls.certificate', key: 'control.tls.key' } as const

/** Reads both files. @throws AppError bad-setting, with the setting to blame */
export async function loadCertificate(files: TlsFiles): Promise<ServedCertificate> {
  const [cert, key] = await Promise.all([readPem('certificate', files), readPem('key', files)])
  const x509 = parsed('certificate', files, 'no certificate (PEM)', () => new X509Certificate(cert))
  const privateKey = parsed('key', files, 'no private key (PEM) without a passphrase', () =>
    createPrivateKey(key)
  )
  if (!x509.checkPrivateKey(privateKey)) {
    const message = `${files.key} (${SETTINGS.key}) is not the key of the certificate in ${files.certificate} (${SETTINGS.certificate}): the first certificate of the chain must be the node's own.`
    throw new AppError('bad-setting', message, { setting: SETTINGS.key })
  }
  parsed('certificate', files, 'nothing that TLS can serve', () => createSecureContext({ cert, key }))
  return { cert, key, x509 }
}

async function readPem(which: keyof TlsFiles, files: TlsFiles): Promise<string> {
  const file = files[which]
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
    const message = `${file} (${SETTINGS[which]}) cannot be read: ${why}. Mend that, or leave control.host and control.tls out.`
    throw new AppError('bad-setting', message, { setting: SETTINGS[which], file }, error)
  }
}

function parsed<T>(which: keyof TlsFiles, files: TlsFiles, what: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    const message = `${files[which]} (${SETTINGS[which]}) holds ${what}: ${messageOf(error)}.`
    throw new AppError('bad-setting', message, { setting: SETTINGS[which], file: files[which] }, error)
  }
}

/** Whether browsers take the certificate for that host of a URL: a name, an IPv4 address or an IPv6 one in brackets. */
export function isNamedBy(x509: X509Certificate, host: string): boolean {
  const ip = host.replace(/^\[(.*)\]$/, '$1')
  if (isIP(ip) !== 0) return x509.checkIP(ip) !== undefined
  // A name that begins with a dot would stand for all below it.
  if (!/^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/.test(host)) return false
  return x509.checkHost(host, { subject: 'never' }) !== undefined
}

/** A host that a browser can open the listener by without a warning, or at least reach: the best of the certificate's. */
export function linkHost(x509: X509Certificate, bound: string): string {
  const unspecified = bound === '0.0.0.0' || bound === '[::]'
  if (!unspecified && isNamedBy(x509, bound)) return bound
  const names = alternativeNames(x509, 'DNS:').filter(name => !name.startsWith('*') && name !== 'localhost')
  const addresses = alternativeNames(x509, 'IP Address:').map(ip => (isIP(ip) === 6 ? `[${ip}]` : ip))
  const machine = os.hostname().toLowerCase()
  const ofThisMachine = isNamedBy(x509, machine) ? [machine] : []
  return [...names, ...ofThisMachine, ...addresses][0] ?? (unspecified ? 'localhost' : bound)
}

function alternativeNames({ subjectAltName = '' }: X509Certificate, prefix: string): string[] {
  return subjectAltName
    .split(', ')
    .filter(part => part.startsWith(prefix))
    .map(part => part.slice(prefix.length).toLowerCase())
    .filter(name => !name.startsWith('"'))
}

export interface WatchComponents {
  files: TlsFiles
  current: () => ServedCertificate
  renewed: (certificate: ServedCertificate) => void
  /** A sentence for the log. */
  warn: (sentence: string) => void
}

/**
 * Looks at the files now and then, because a renewal replaces them, and hands on what can be served. Meanwhile the
 * certificate before goes on. What cannot be served at two looks in a row, so that it is no half-done renewal, is told once. Returns what ends it.
 */
export function watchCertificate(
  { files, current, renewed, warn }: WatchComponents,
  { everyMs }: { everyMs: number }
): () => void {
  let seen: string | undefined
  let told: string | undefined
  let stopped = false
  const look = async (): Promise<void> => {
    try {
      const next = await loadCertificate(files)
      seen = told = undefined
      if (stopped || (next.cert === current().cert && next.key === current().key)) return
      renewed(next)
    } catch (error) {
      const sentence = `The certificate of the dashboard was not renewed: ${messageOf(error)}`
      const lasts = sentence === seen
      seen = sentence
      if (stopped || !lasts || sentence === told) return
      told = sentence
      warn(sentence)
    }
  }
  let looking: Promise<void> = Promise.resolve()
  const timer = setInterval(() => (looking = looking.then(look)), everyMs)
  timer.unref()
  return () => {
    stopped = true
    clearInterval(timer)
  }
}

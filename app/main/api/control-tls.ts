import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import os from 'node:os'
import type { CertificateSettings } from '../net/tls/certificate-files.ts'
import { alternativeNames, isNamedBy } from '../net/tls/certificates.ts'

/** Where the certificate of the control API comes from. */
export const CONTROL_FILES: CertificateSettings = {
  certificate: 'control.tls.certificate',
  key: 'control.tls.key',
  instead: 'leave control.host and control.tls out'
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

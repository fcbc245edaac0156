import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

export interface TestCertificate {
  /** PEM files. */
  files: { certificate: string; key: string }
  cert: string
  fingerprint: string
}

/** A certificate that has signed itself, for names such as `DNS:relay.example` and `IP:10.0.0.5`. Needs openssl. */
export async function makeCertificate(dir: string, names: readonly string[]): Promise<TestCertificate> {
  await mkdir(dir, { recursive: true })
  const files = { certificate: path.join(dir, 'cert.pem'), key: path.join(dir, 'key.pem') }
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', files.key]
  const about = ['-subj', '/CN=waystation test', '-days', '2', '-addext', `subjectAltName=${names.join(',')}`]
  await execute('openssl', ['req', '-x509', ...key, ...about, '-out', files.certificate])
  const cert = await readFile(files.certificate, 'utf8')
  return { files, cert, fingerprint: new X509Certificate(cert).fingerprint256 }
}

import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Authority } from '../../support/authority.ts'
import { findProgram, missing } from '../../support/needs.ts'

const execute = promisify(execFile)
const certutil = findProgram('certutil')

export const certutilMissing = (): boolean =>
  missing('certutil (Debian: apt-get install libnss3-tools)', certutil !== undefined)

/** A home folder whose person trusts that authority, for Chromium on Linux. */
export async function homeThatTrusts(authority: Authority, dir: string): Promise<string> {
  const store = path.join(dir, '.pki', 'nssdb')
  const file = path.join(dir, 'authority.pem')
  await mkdir(store, { recursive: true })
  await writeFile(file, authority.cert)
  await execute(certutil!, ['-d', `sql:${store}`, '-N', '--empty-password'])
  await execute(certutil!, ['-d', `sql:${store}`, '-A', '-t', 'C,,', '-n', 'test', '-i', file])
  return dir
}

import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { updateKey, verifyUpdate } from '../../../app/main/desktop/update-signature.ts'
import { UPDATE_PUBLIC_KEY } from '../../../app/main/desktop/update-key.ts'

const SCRIPT = fileURLToPath(new URL('../../../build/sign-update.mjs', import.meta.url))
const NAME = 'Waystation-2.0.0-x86_64.AppImage'

/** As the publisher runs it. */
function sign(args: string[], secret?: string): string {
  const env = { ...process.env, WAYSTATION_UPDATE_KEY: secret ?? '' }
  return execFileSync(process.execPath, [SCRIPT, ...args], { encoding: 'utf8', env, stdio: 'pipe' })
}

describe('the signature of an update', () => {
  let dir: string
  let file: string
  let key: KeyObject
  let signature: string
  const expected = { version: '2.0.0', name: NAME }
  const verified = (change: Partial<typeof expected> = {}, text = signature, by = key): Promise<void> =>
    verifyUpdate(file, { ...expected, ...change }, text, by)

  beforeAll(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'waystation-sign-'))
    file = path.join(dir, NAME)
    writeFileSync(file, 'the new version')
    const [secret = '', spki = ''] = sign(['--new-key']).match(/^[A-Za-z0-9+/=]{40,}$/gm) ?? []
    key = updateKey(spki)!
    sign(['2.0.0', file], secret)
    signature = readFileSync(`${file}.sig`, 'utf8')
  })
  afterAll(() => rmSync(dir, { recursive: true }))

  it('made by the script is taken', async () => {
    await expect(verified()).resolves.toBeUndefined()
  })

  it('is not taken for a file that was changed', async () => {
    const copy = path.join(dir, 'changed')
    writeFileSync(copy, 'the new versioN')
    await expect(verifyUpdate(copy, expected, signature, key)).rejects.toMatchObject({
      code: 'update-unverified'
    })
  })

  it.each([
    ['another version, so that no old file passes for a new one', { version: '2.0.1' }],
    ['another name, so that no file of another machine passes', { name: 'Waystation-2.0.0-arm64.AppImage' }]
  ])('is not taken for %s', async (_, change) => {
    await expect(verified(change)).rejects.toMatchObject({ code: 'update-unverified' })
  })

  it('is not taken from another key', async () => {
    const { publicKey } = generateKeyPairSync('ed25519')
    await expect(verified({}, signature, publicKey)).rejects.toMatchObject({ code: 'update-unverified' })
  })

  it.each(['', 'nonsense', 'A'.repeat(86) + '==', '<html>404</html>'])('is not %j', async text => {
    await expect(verified({}, text)).rejects.toMatchObject({ code: 'update-unverified' })
  })

  it('is of an Ed25519 key and no other', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const spki = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
    expect(() => updateKey(spki)).toThrow('not an Ed25519 key')
    expect(updateKey('')).toBeUndefined()
  })

  it('is checked with a key that this build has, or it has none', () => {
    expect(() => updateKey(UPDATE_PUBLIC_KEY)).not.toThrow()
  })

  it.each([
    [['2.0.0', 'a.AppImage'], undefined, 'WAYSTATION_UPDATE_KEY is not set'],
    [['2.0.0', 'a.AppImage'], 'c2VjcmV0', 'not an Ed25519 private key'],
    [['a.AppImage'], 'c2VjcmV0', 'usage']
  ])('is not made by %j', (args, secret, message) => {
    expect(() => sign(args, secret)).toThrow(message)
    try {
      sign(args, secret)
    } catch (error) {
      expect((error as { stderr: string }).stderr).not.toContain('c2VjcmV0')
    }
  })
})

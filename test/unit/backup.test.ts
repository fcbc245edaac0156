import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { armor, Encrypter, generateIdentity, identityToRecipient } from 'age-encryption'
import { beforeAll, describe, expect, it } from 'vitest'
import { isSealedBackup, openBackup, openKeyFile, sealBackup } from '../../app/main/relay/backup.ts'

const PASSPHRASE = 'correct horse battery staple'
const QUICK = { workFactor: 4 }
let key: Ed25519PrivateKey
let backup: string

beforeAll(async () => {
  key = await generateKeyPair('Ed25519')
  backup = await sealBackup(key, PASSPHRASE, QUICK)
})

describe('an encrypted backup', () => {
  it('gives the key back', async () => {
    const { privateKey } = await openBackup(backup, PASSPHRASE)
    expect(privateKey.equals(key)).toBe(true)
  })

  it('is an armored age file with a passphrase, which `age -d` reads', () => {
    expect(backup).toMatch(/^-----BEGIN AGE ENCRYPTED FILE-----\n/)
    const header = new TextDecoder().decode(armor.decode(backup).subarray(0, 60))
    expect(header).toMatch(/^age-encryption\.org\/v1\n-> scrypt [\w+/]{22} 4\n/)
  })

  it('makes guessing as slow as age does by default', async () => {
    const header = new TextDecoder().decode(armor.decode(await sealBackup(key, PASSPHRASE)).subarray(0, 60))
    expect(header).toMatch(/^age-encryption\.org\/v1\n-> scrypt [\w+/]{22} 18\n/)
  }, 30_000)

  it.each([
    ['without armor', () => armor.decode(backup)],
    ['with Windows line ends', () => backup.replaceAll('\n', '\r\n')],
    ['with spaces around', () => `\n  ${backup}\n\n`],
    ['with a byte order mark', () => `\ufeff${backup}`],
    ['in UTF-16, as Windows PowerShell redirects', () => Buffer.from(`\ufeff${backup}`, 'utf16le')]
  ])('opens %s', async (_, content) => {
    const bytes = Buffer.from(content())
    expect(isSealedBackup(bytes)).toBe(true)
    expect((await openBackup(bytes, PASSPHRASE)).privateKey.equals(key)).toBe(true)
  })

  it('says so when the passphrase is wrong', async () => {
    await expect(openBackup(backup, 'Correct horse')).rejects.toMatchObject({ code: 'passphrase-wrong' })
  })

  it.each([
    ['is no age file', () => 'hello'],
    ['is empty', () => ''],
    ['is cut off', () => backup.slice(0, backup.length / 2)],
    [
      'lost its last lines',
      () => `${backup.split('\n').slice(0, -4).join('\n')}\n-----END AGE ENCRYPTED FILE-----\n`
    ],
    ['has a changed byte', () => damaged(armor.decode(backup))],
    ['asks for more work than a guess can cost', () => reworked(armor.decode(backup))]
  ])('is called corrupt when it %s', async (_, content) => {
    await expect(openBackup(content(), PASSPHRASE)).rejects.toMatchObject({ code: 'backup-corrupt' })
  })

  it('is called corrupt when it is for an age key instead of a passphrase', async () => {
    const encrypter = new Encrypter()
    encrypter.addRecipient(await identityToRecipient(await generateIdentity()))
    const file = await encrypter.encrypt(privateKeyToProtobuf(key))
    await expect(openBackup(file, PASSPHRASE)).rejects.toMatchObject({
      code: 'backup-corrupt',
      message: expect.stringContaining('age -d') as string
    })
  })

  it.each([
    ['backup-corrupt', async () => new TextEncoder().encode('a diary')],
    ['identity-wrong-kind', async () => privateKeyToProtobuf(await generateKeyPair('secp256k1'))]
  ])('ends with %s when something else is inside', async (code, content) => {
    const encrypter = new Encrypter()
    encrypter.setPassphrase(PASSPHRASE)
    encrypter.setScryptWorkFactor(QUICK.workFactor)
    const file = await encrypter.encrypt(await content())
    await expect(openBackup(file, PASSPHRASE)).rejects.toMatchObject({ code })
  })
})

describe('an unencrypted key file', () => {
  it('of another libp2p program is read', async () => {
    // The Ed25519 test vector of the peer id specification (libp2p/specs).
    const vector =
      '080112407e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e'
    const { privateKey, peerId } = await openKeyFile(Buffer.from(vector, 'hex'))
    expect(Buffer.from(privateKeyToProtobuf(privateKey)).toString('hex')).toBe(vector)
    expect(peerId).toMatch(/^12D3KooW/)
  })

  it('is no sealed backup', () => {
    expect(isSealedBackup(privateKeyToProtobuf(key))).toBe(false)
  })

  it('is refused when it is no key', async () => {
    await expect(openKeyFile(Buffer.from('hello'))).rejects.toMatchObject({ code: 'backup-corrupt' })
  })

  it('is refused when it is of another kind', async () => {
    const other = privateKeyToProtobuf(await generateKeyPair('secp256k1'))
    await expect(openKeyFile(other)).rejects.toMatchObject({ code: 'identity-wrong-kind' })
  })
})

function damaged(file: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(file)
  const last = copy.length - 1
  copy[last] = (copy[last] ?? 0) ^ 1
  return copy
}

/** Puts 40 where the header says 4: a crafted file must not occupy the machine for a year. */
function reworked(file: Uint8Array): Uint8Array {
  return Buffer.from(Buffer.from(file).toString('latin1').replace(/ 4\n/, ' 40\n'), 'latin1')
}

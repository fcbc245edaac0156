import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import type * as Fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { loadOrCreateIdentity, readIdentity, storeIdentity } from '../../app/main/relay/identity.ts'
import { NodeScript, moduleUrl } from '../support/node-script.ts'
import { asOrdinaryUser } from '../support/ordinary-user.ts'

// What an earlier file of this worker has loaded has the real module, and a later one is not to get ours.
vi.hoisted(() => vi.resetModules())
afterAll(() => void vi.resetModules())

/** A full disk cannot be had everywhere; this fails the writes as one does. */
const disk = vi.hoisted(() => ({ full: false, linksWork: true }))
vi.mock('node:fs/promises', async original => {
  const fs = await original<typeof Fs>()
  const failure = (code: string): Error => Object.assign(new Error(code), { code })
  return {
    ...fs,
    open: async (...args: Parameters<typeof fs.open>) => {
      const handle = await fs.open(...args)
      if (disk.full) handle.writeFile = () => Promise.reject(failure('ENOSPC'))
      return handle
    },
    link: (from: string, to: string) =>
      disk.linksWork ? fs.link(from, to) : Promise.reject(failure('EPERM'))
  }
})

const posix = process.platform !== 'win32'
let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'waystation-identity-'))
  file = path.join(folder, 'identity.key')
  Object.assign(disk, { full: false, linksWork: true })
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('a first start', () => {
  it('creates an Ed25519 key in libp2p protobuf encoding', async () => {
    const { peerId, privateKey, created } = await loadOrCreateIdentity(file)
    expect(created).toBe(true)
    expect(peerId).toMatch(/^12D3KooW/)
    const stored = privateKeyFromProtobuf(await readFile(file))
    expect(stored.type).toBe('Ed25519')
    expect(stored.equals(privateKey)).toBe(true)
  })

  it('leaves nothing else in the folder', async () => {
    await loadOrCreateIdentity(file)
    expect(await readdir(folder)).toEqual(['identity.key'])
  })

  it.runIf(posix)('closes the key to other users', async () => {
    await loadOrCreateIdentity(file)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  it('creates the key where the file system has no hard links', async () => {
    disk.linksWork = false
    const { peerId } = await loadOrCreateIdentity(file)
    expect((await readIdentity(file)).peerId).toBe(peerId)
    expect(await readdir(folder)).toEqual(['identity.key'])
  })

  it('says that the disk is full, and leaves no part of a key', async () => {
    disk.full = true
    await expect(loadOrCreateIdentity(file)).rejects.toMatchObject({ code: 'disk-full', details: { file } })
    expect(await readdir(folder)).toEqual([])
  })

  it('refuses a folder that is not there rather than beginning anew on a missing disk', async () => {
    const missing = path.join(folder, 'disk', 'identity.key')
    await expect(loadOrCreateIdentity(missing)).rejects.toMatchObject({ code: 'identity-unwritable' })
  })

  it.runIf(posix)('refuses a link to a file that is not there', async () => {
    await symlink(path.join(folder, 'gone'), file)
    await expect(loadOrCreateIdentity(file)).rejects.toMatchObject({ code: 'identity-unreadable' })
    expect(await readdir(folder)).toEqual(['identity.key'])
  })

  it('gives several processes that start at once the same key', async () => {
    const source = `import { loadOrCreateIdentity } from ${moduleUrl('app/main/relay/identity.ts')}
      console.log('ready'); await go
      const { peerId, created } = await loadOrCreateIdentity(${JSON.stringify(file)})
      console.log(JSON.stringify({ peerId, created })); process.exit()`
    const scripts = Array.from({ length: 4 }, () => new NodeScript(source))
    try {
      await Promise.all(scripts.map(script => script.line()))
      scripts.forEach(script => script.tell())
      const answers = await Promise.all(
        scripts.map(async script => JSON.parse(await script.line()) as { peerId: string; created: boolean })
      )
      expect(new Set(answers.map(answer => answer.peerId)).size).toBe(1)
      expect(answers.filter(answer => answer.created)).toHaveLength(1)
      expect(answers[0]?.peerId).toBe((await readIdentity(file)).peerId)
    } finally {
      await Promise.all(scripts.map(script => script.kill()))
    }
  }, 30_000)
})

describe('a later start', () => {
  it('has the same peer id', async () => {
    const first = await loadOrCreateIdentity(file)
    const second = await loadOrCreateIdentity(file)
    expect(second).toMatchObject({ peerId: first.peerId, created: false })
    expect(second.warning).toBeUndefined()
  })

  it('reads the longer encoding of old libp2p versions', async () => {
    const { raw, publicKey } = await generateKeyPair('Ed25519')
    await writeFile(file, Buffer.concat([Buffer.from([8, 1, 18, 96]), raw, publicKey.raw]), { mode: 0o600 })
    const { privateKey } = await readIdentity(file)
    expect(privateKey.raw).toEqual(raw)
  })

  it.runIf(posix).each([0o640, 0o604, 0o660])('warns of a key file with mode %o', async mode => {
    await loadOrCreateIdentity(file)
    await chmod(file, mode)
    const { warning } = await loadOrCreateIdentity(file)
    expect(warning).toContain(`chmod 600 ${file}`)
  })
})

describe('a key file that is no good', () => {
  const ed25519 = async (): Promise<Buffer> =>
    Buffer.from(privateKeyToProtobuf(await generateKeyPair('Ed25519')))
  const cases: [string, string, () => Promise<Buffer | string>][] = [
    ['is empty', 'identity-corrupt', async () => ''],
    ['is filled with zeros', 'identity-corrupt', async () => Buffer.alloc(68)],
    ['is cut off', 'identity-corrupt', async () => (await ed25519()).subarray(0, 40)],
    ['is cut off after its first bytes', 'identity-corrupt', async () => (await ed25519()).subarray(0, 2)],
    [
      'has bytes behind the key',
      'identity-corrupt',
      async () => Buffer.concat([await ed25519(), Buffer.alloc(3)])
    ],
    [
      'has one changed byte in the private half',
      'identity-corrupt',
      async () => flipped(await ed25519(), 10)
    ],
    ['has one changed byte in the public half', 'identity-corrupt', async () => flipped(await ed25519(), 60)],
    ['is garbage', 'identity-corrupt', async () => Buffer.from('ff00fe1280417799', 'hex')],
    ['is a note', 'identity-corrupt', async () => 'my key is elsewhere'],
    ['holds an RSA key', 'identity-wrong-kind', async () => privateKeyOf('RSA')],
    ['holds a secp256k1 key', 'identity-wrong-kind', async () => privateKeyOf('secp256k1')],
    ['holds an ECDSA key', 'identity-wrong-kind', async () => privateKeyOf('ECDSA')],
    [
      'is a PEM text',
      'identity-wrong-kind',
      async () => '-----BEGIN PRIVATE KEY-----\nMC4CAQ==\n-----END PRIVATE KEY-----\n'
    ],
    ['is a JSON text', 'identity-wrong-kind', async () => '{"privKey": "CAESQA=="}\n'],
    ['is a base64 text', 'identity-wrong-kind', async () => (await ed25519()).toString('base64')],
    ['is a hexadecimal text', 'identity-wrong-kind', async () => (await ed25519()).toString('hex')],
    ['is as large as a disk image', 'identity-wrong-kind', async () => Buffer.alloc(100_000)]
  ]

  it.each(cases)('stops the start and stays as it is when it %s', async (_, code, content) => {
    const before = Buffer.from(await content())
    await writeFile(file, before)
    const error = await loadOrCreateIdentity(file).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code, details: { file } })
    expect((error as Error).message).toContain(file)
    expect((error as Error).message).toContain('waystation identity import FILE')
    expect((await readFile(file)).equals(before)).toBe(true)
  })

  it('stops the start when it is a folder', async () => {
    await mkdir(file)
    await expect(loadOrCreateIdentity(file)).rejects.toMatchObject({ code: 'identity-unreadable' })
  })

  it.runIf(posix)('stops the start when this user may not read it', async () => {
    await chmod(folder, 0o755)
    await loadOrCreateIdentity(file)
    await chmod(file, 0o000)
    const attempt = asOrdinaryUser(() => loadOrCreateIdentity(file))
    await expect(attempt).rejects.toMatchObject({ code: 'identity-unreadable', details: { file } })
  })
})

describe('readIdentity', () => {
  it('creates nothing', async () => {
    await expect(readIdentity(file)).rejects.toMatchObject({ code: 'identity-missing', details: { file } })
    expect(await readdir(folder)).toEqual([])
  })
})

describe('storeIdentity', () => {
  it('overwrites only when told to', async () => {
    const old = await loadOrCreateIdentity(file)
    const other = await loadOrCreateIdentity(path.join(folder, 'other.key'))
    await expect(storeIdentity(other, file, false)).rejects.toMatchObject({ code: 'identity-exists' })
    expect((await readIdentity(file)).peerId).toBe(old.peerId)
    await storeIdentity(other, file, true)
    expect((await readIdentity(file)).peerId).toBe(other.peerId)
  })
})

function flipped(bytes: Buffer, at: number): Buffer {
  bytes[at] = (bytes[at] ?? 0) ^ 1
  return bytes
}

async function privateKeyOf(kind: 'RSA' | 'secp256k1' | 'ECDSA'): Promise<Buffer> {
  return Buffer.from(privateKeyToProtobuf(await generateKeyPair(kind)))
}

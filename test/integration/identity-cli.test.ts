import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runIdentityCommand } from '../../app/main/cli/identity.ts'
import { openDataFolder } from '../../app/main/data-folder.ts'
import { loadOrCreateIdentity, readIdentity } from '../../app/main/relay/identity.ts'

const CLI = fileURLToPath(new URL('../../app/main/cli.ts', import.meta.url))
const PASSPHRASE = 'correct horse battery staple'
const WITH_PASSPHRASE = { WAYSTATION_PASSPHRASE: PASSPHRASE }

let root: string
let dataDir: string
let key: string
let backup: string

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'waystation-cli-'))
  dataDir = path.join(root, 'data')
  key = path.join(dataDir, 'identity.key')
  backup = path.join(root, 'backup.age')
})
afterEach(() => rm(root, { recursive: true, force: true }))

describe('waystation identity show', () => {
  it('prints the peer id, the file and the kind of key', async () => {
    const { peerId } = await createIdentity()
    const { code, stdout } = await waystation(['identity', 'show'])
    expect(code).toBe(0)
    for (const fact of [peerId, key, 'Ed25519']) expect(stdout).toContain(fact)
  })

  it('prints JSON for scripts', async () => {
    const { peerId } = await createIdentity()
    const { stdout } = await waystation(['identity', 'show', '--json'])
    expect(JSON.parse(stdout)).toEqual({ peerId, file: key, kind: 'Ed25519' })
  })

  it('takes --data-dir and --identity as the start does, before or after the word', async () => {
    const { peerId } = await createIdentity()
    const elsewhere = { WAYSTATION_DATA_DIR: path.join(root, 'elsewhere') }
    for (const args of [
      ['--data-dir', dataDir, 'identity', 'show'],
      ['identity', 'show', `--data-dir=${dataDir}`],
      ['identity', '--identity', key, 'show']
    ]) {
      expect((await waystation(args, { env: elsewhere })).stdout).toContain(peerId)
    }
  })

  it('creates nothing where there is no identity', async () => {
    const { code, stdout, stderr } = await waystation(['identity', 'show'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(key)
    expect(await readdir(root)).toEqual([])
  })
})

describe('waystation identity export', () => {
  it('writes a backup that import takes on another machine', async () => {
    const { peerId } = await createIdentity()
    const exported = await waystation(['identity', 'export', backup], { env: WITH_PASSPHRASE })
    expect(exported).toMatchObject({ code: 0, stderr: '' })
    expect(exported.stdout).toContain(peerId)

    const other = path.join(root, 'other')
    const args = ['identity', 'import', backup, '--data-dir', other]
    const imported = await waystation(args, { env: WITH_PASSPHRASE })
    expect(imported).toMatchObject({ code: 0, stderr: '' })
    expect(imported.stdout).toContain(peerId)
    expect((await readIdentity(path.join(other, 'identity.key'))).peerId).toBe(peerId)
    expect(await readdir(other)).toEqual(['identity.key'])
  })

  it.runIf(process.platform !== 'win32')('closes the backup to other users', async () => {
    await createIdentity()
    await waystation(['identity', 'export', backup], { env: WITH_PASSPHRASE })
    expect((await stat(backup)).mode & 0o777).toBe(0o600)
  })

  it('writes to standard output for -, and import reads standard input', async () => {
    const { peerId } = await createIdentity()
    const { stdout } = await waystation(['identity', 'export', '-'], { env: WITH_PASSPHRASE })
    expect(stdout).toMatch(/^-----BEGIN AGE ENCRYPTED FILE-----\n[^]*-----END AGE ENCRYPTED FILE-----\n$/)

    const args = ['identity', 'import', '-', '--data-dir', path.join(root, 'other')]
    const imported = await waystation(args, { env: WITH_PASSPHRASE, input: stdout })
    expect(imported.stdout).toContain(peerId)
  })

  it('takes the passphrase from a file, which wins over the environment', async () => {
    await createIdentity()
    const file = path.join(root, 'passphrase')
    await writeFile(file, `${PASSPHRASE}\r\n`)
    const args = ['identity', 'export', backup, '--passphrase-file', file]
    expect((await waystation(args, { env: { WAYSTATION_PASSPHRASE: 'another one' } })).code).toBe(0)
    const replace = ['identity', 'import', backup, '--replace']
    expect((await waystation(replace, { env: WITH_PASSPHRASE })).code).toBe(0)
  })

  it.each([
    ['there is no terminal and no passphrase', {}, '--passphrase-file'],
    ['the variable is empty', { WAYSTATION_PASSPHRASE: '' }, '--passphrase-file'],
    ['the passphrase is short', { WAYSTATION_PASSPHRASE: '1234567' }, 'at least 8']
  ])('writes nothing when %s', async (_, env, words) => {
    await createIdentity()
    const { code, stderr } = await waystation(['identity', 'export', backup], { env })
    expect(code).toBe(1)
    expect(stderr).toContain(words)
    expect(await readdir(root)).toEqual(['data'])
  })

  it.each([
    ['empty', '\n', 'is empty'],
    ['of two lines', 'first line\nsecond line\n', 'one line'],
    ['not UTF-8', Buffer.from('\ufeffcorrect horse', 'utf16le'), 'UTF-8']
  ])('refuses a passphrase file that is %s', async (_, content, words) => {
    await createIdentity()
    const file = path.join(root, 'passphrase')
    await writeFile(file, content)
    const { code, stderr } = await waystation(['identity', 'export', backup, '--passphrase-file', file])
    expect(code).toBe(1)
    expect(stderr).toContain(words)
  })

  it('overwrites a file only with --force', async () => {
    await createIdentity()
    await writeFile(backup, 'something else')
    const refused = await waystation(['identity', 'export', backup], { env: WITH_PASSPHRASE })
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('--force')
    expect(await readFile(backup, 'utf8')).toBe('something else')

    const args = ['identity', 'export', backup, '--force']
    expect((await waystation(args, { env: WITH_PASSPHRASE })).code).toBe(0)
    expect(await readFile(backup, 'utf8')).toContain('AGE ENCRYPTED')
  })

  it('does not overwrite the key itself, not even with --force', async () => {
    const { peerId } = await createIdentity()
    const { code, stderr } = await waystation(['identity', 'export', key, '--force'], {
      env: WITH_PASSPHRASE
    })
    expect(code).toBe(1)
    expect(stderr).toContain('the identity itself')
    expect((await readIdentity(key)).peerId).toBe(peerId)
  })
})

describe('waystation identity import', () => {
  it('takes an unencrypted Ed25519 key of another libp2p program, without a passphrase', async () => {
    const file = path.join(root, 'go.key')
    await writeFile(file, privateKeyToProtobuf(await generateKeyPair('Ed25519')))
    const { peerId } = await readIdentity(file)
    const { code, stdout } = await waystation(['identity', 'import', file])
    expect(code).toBe(0)
    expect(stdout).toContain(peerId)
    expect((await readIdentity(key)).peerId).toBe(peerId)
  })

  it('leaves an existing identity alone and says how to go on', async () => {
    const { peerId } = await createIdentity()
    const { code, stderr } = await waystation(['identity', 'import', await otherKey()])
    expect(code).toBe(1)
    expect(stderr).toContain('--replace')
    expect((await readIdentity(key)).peerId).toBe(peerId)
  })

  it('keeps the old key with --replace', async () => {
    const { peerId } = await createIdentity()
    const file = await otherKey()
    expect((await waystation(['identity', 'import', file, '--replace'])).code).toBe(0)
    expect((await readIdentity(key)).peerId).toBe((await readIdentity(file)).peerId)
    const kept = (await readdir(dataDir)).filter(name => /^identity\.key\.replaced-\d{8}T\d{6}Z$/.test(name))
    expect(kept).toHaveLength(1)
    expect((await readIdentity(path.join(dataDir, kept[0] ?? ''))).peerId).toBe(peerId)
  })

  it('mends a damaged identity with --replace', async () => {
    await createIdentity()
    await writeFile(key, '')
    const file = await otherKey()
    expect((await waystation(['identity', 'import', file, '--replace'])).code).toBe(0)
    expect((await readIdentity(key)).peerId).toBe((await readIdentity(file)).peerId)
  })

  it('is refused while a node runs on the data folder, with its pid', async () => {
    const folder = await openDataFolder(dataDir)
    await folder.lock()
    const { code, stderr } = await waystation(['identity', 'import', await otherKey()])
    expect(code).toBe(1)
    expect(stderr).toContain(`pid ${process.pid}`)
    expect(await readdir(dataDir)).toEqual(['node.lock'])
  })

  it.each([
    ['a wrong passphrase', 'does not open', { WAYSTATION_PASSPHRASE: 'a wrong passphrase' }, ''],
    ['a missing passphrase', '--passphrase-file', {}, ''],
    ['a file that is not there', 'no such file', WITH_PASSPHRASE, '.missing']
  ])('changes nothing after %s', async (_, words, env, suffix) => {
    const { peerId } = await createIdentity()
    await waystation(['identity', 'export', backup], { env: WITH_PASSPHRASE })
    const { code, stderr } = await waystation(['identity', 'import', backup + suffix, '--replace'], { env })
    expect(code).toBe(1)
    expect(stderr).toContain(words)
    expect((await readIdentity(key)).peerId).toBe(peerId)
    expect(await readdir(dataDir)).toEqual(['identity.key'])
  })
})

describe('on a terminal', () => {
  it('asks twice for a passphrase, and takes the backup that this made', async () => {
    const { peerId } = await createIdentity()
    const exported = await onTerminal(['export', backup], [PASSPHRASE, PASSPHRASE])
    expect(exported).toMatchObject({ code: 0 })
    expect(exported.stderr).not.toContain(PASSPHRASE)
    const imported = await onTerminal(['import', backup, '--replace'], [PASSPHRASE])
    expect(imported).toMatchObject({ code: 0 })
    expect(imported.stdout).toContain(peerId)
  })

  it('writes nothing when the second passphrase differs', async () => {
    await createIdentity()
    const { code, stderr } = await onTerminal(['export', backup], [PASSPHRASE, `${PASSPHRASE}!`])
    expect(code).toBe(1)
    expect(stderr).toContain('differ')
    expect(await readdir(root)).toEqual(['data'])
  })

  it('leaves no lock behind when cancelled', async () => {
    await createIdentity()
    await onTerminal(['export', backup], [PASSPHRASE, PASSPHRASE])
    const { code, stderr } = await onTerminal(['import', backup, '--replace'], ['\x03'])
    expect(code).toBe(1)
    expect(stderr).toContain('Cancelled')
    expect(await readdir(dataDir)).toEqual(['identity.key'])
  })
})

describe('a command that cannot be understood', () => {
  it.each([
    [['identity']],
    [['identity', 'frobnicate']],
    [['identity', 'export']],
    [['identity', 'import', 'one', 'two']],
    [['identity', 'show', 'file']],
    [['identity', 'show', '--force']],
    [['identity', 'export', 'file', '--unknown']],
    [['identity', 'export', 'file', '--passphrase-file', '']]
  ])('%j ends with 2 and says what can be', async args => {
    const { code, stdout, stderr } = await waystation(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('waystation identity export FILE')
  })
})

/** The command in this process, with somebody who types these lines. */
async function onTerminal(
  args: string[],
  lines: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined })
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  stdin.write(lines.map(line => `${line}\r`).join(''))
  const io = { stdin, stdout, stderr, env: {} }
  const code = await runIdentityCommand(args, io, { dataDir, identityFile: key })
  return { code, stdout: await text(stdout.end()), stderr: await text(stderr.end()) }
}

async function createIdentity(): Promise<{ peerId: string }> {
  await openDataFolder(dataDir)
  return loadOrCreateIdentity(key)
}

async function otherKey(): Promise<string> {
  const file = path.join(root, 'other.key')
  await writeFile(file, privateKeyToProtobuf(await generateKeyPair('Ed25519')))
  return file
}

/** The command in a process of its own, with this test's data folder, without a terminal. */
async function waystation(
  args: string[],
  { env = {}, input = '' }: { env?: Record<string, string>; input?: string } = {}
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ['--no-warnings', CLI, ...args], {
    env: { ...process.env, WAYSTATION_PASSPHRASE: undefined, WAYSTATION_DATA_DIR: dataDir, ...env }
  })
  child.stdin.end(input)
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject).on('exit', code => resolve(code ?? -1))
  })
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { code, stdout, stderr }
}

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { createClient, createListener, dialThrough, exchange } from '../support/clients.ts'
import { startNode, temporaryFolder } from '../support/command.ts'
import { missing } from '../support/needs.ts'
import { isOnline, npm, pack, type Packed } from '../support/package.ts'
import { postJson, send } from '../support/dashboard.ts'
import { addressOf } from '../support/relay.ts'

const execute = promisify(execFile)

const online = await isOnline()

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let packed: Packed
beforeAll(async () => {
  folder = await temporaryFolder()
  packed = await pack(folder.dir)
})
afterAll(() => folder[Symbol.asyncDispose]())

/** What belongs to a desktop, a page or a build. */
const NOT_FOR_SERVERS =
  /^(electron|svelte|vite|rolldown|playwright|typescript|eslint|prettier)|^@(sveltejs|electron|vitejs)\//

describe('the packed tarball', () => {
  it.each([
    'README.md',
    'CHANGELOG.md',
    'LICENSE-APACHE',
    'LICENSE-MIT',
    'docs/server.md',
    'docs/settings.md',
    'resources/systemd/waystation.service',
    'resources/nginx/waystation.conf',
    'resources/caddy/Caddyfile',
    'app/main/waystation.js',
    'out/main/cli.js',
    'out/renderer/index.html',
    'out/renderer/open.html'
  ])('has %s', file => {
    expect(packed.files).toContain(file)
  })

  it('has no sources, no tests and no source maps', () => {
    expect(packed.files.filter(file => /\.ts$|\.map$|^test\/|^examples\//.test(file))).toEqual([])
  })

  it('weighs less than a megabyte', () => {
    expect(packed.size).toBeLessThan(1_000_000)
  })

  it('asks for nothing that only a desktop, a page or a build needs', async () => {
    const { stdout } = await execute('tar', ['-xzOf', packed.file, 'package/package.json'])
    const { dependencies, engines } = JSON.parse(stdout) as typeof manifest
    expect(Object.keys(dependencies).filter(name => NOT_FOR_SERVERS.test(name))).toEqual([])
    expect(engines).toEqual(manifest.engines)
  })
})

describe.skipIf(missing('the npm registry', online))('the installed package', () => {
  let prefix: string
  let said: string
  const command = (): string => path.join(prefix, 'bin', 'waystation')
  beforeAll(async () => {
    prefix = path.join(folder.dir, 'prefix')
    // As docs/server.md has it: nothing needs an install script.
    const flags = ['--global', '--ignore-scripts', '--prefix', prefix, '--no-audit', '--no-fund']
    const { stdout, stderr } = await npm(['install', ...flags, packed.file], folder.dir)
    said = stdout + stderr
  }, 300_000)

  it('is installed without a warning', () => {
    const warnings = said.split('\n').filter(line => /^npm (warn|error)/i.test(line))
    // The person's own npm settings are no matter of the package's.
    expect(warnings.filter(line => !/Unknown (user|env|global|project) config/.test(line))).toEqual([])
  })

  it('brings nothing that only a desktop, a page or a build needs', async () => {
    const modules = await readdir(path.join(prefix, 'lib/node_modules/waystation/node_modules'))
    expect(modules).toContain('libp2p')
    expect(modules.filter(name => NOT_FOR_SERVERS.test(name))).toEqual([])
  })

  it('puts waystation on the PATH', async () => {
    const PATH = [path.join(prefix, 'bin'), path.dirname(process.execPath), process.env['PATH']].join(
      path.delimiter
    )
    const { stdout } = await execute('waystation', ['--version'], { env: { ...process.env, PATH }, cwd: '/' })
    expect(stdout.trim()).toBe(manifest.version)
  })

  it('relays for stock clients, shows its identity, and stops in order', async () => {
    const dataDir = path.join(folder.dir, 'data')
    await using node = startNode(dataDir, [], { entry: command() })
    const { addresses, peerId } = await node.listening()
    const address = addressOf(addresses, 'tcp')
    await using listener = await createListener(address)
    await using dialer = await createClient()
    expect(await exchange(await dialThrough(dialer, address, listener), 100_000)).toBe(true)

    const show = ['identity', 'show', '--json', '--data-dir', dataDir]
    const { stdout } = await execute(process.execPath, [command(), ...show])
    expect(JSON.parse(stdout)).toMatchObject({ peerId })
    await dialer.stop()
    await listener.stop()
    expect((await node.kill('SIGTERM')).code).toBe(0)
  })

  it('serves the dashboard that it brought along', async () => {
    const dataDir = path.join(folder.dir, 'dashboard')
    await using node = startNode(dataDir, [], { entry: command() })
    await node.listening()
    const ask = ['dashboard', '--json', '--data-dir', dataDir]
    const { stdout } = await execute(process.execPath, [command(), ...ask])
    const { url, built } = JSON.parse(stdout) as { url: string; built: boolean }
    expect(built).toBe(true)
    const { origin, hash } = new URL(url)
    expect((await send(origin)).status).toBe(401)
    const answer = await postJson(`${origin}/session`, { code: hash.slice(1) })
    const [cookie = ''] = (answer.headers['set-cookie']?.[0] ?? '').split(';')
    const page = await send(origin, { headers: { cookie } })
    expect(page.status).toBe(200)
    const [, script = ''] = /src="\.(\/assets\/[^"]+\.js)"/.exec(page.body) ?? []
    const { status, headers } = await send(origin + script, { headers: { cookie } })
    expect({ status, type: headers['content-type'] }).toEqual({
      status: 200,
      type: 'text/javascript; charset=utf-8'
    })
  })

  it('has a database that works as it came', async () => {
    const script =
      "const { ClassicLevel } = await import('classic-level'); const db = new ClassicLevel(process.argv[1]);" +
      "await db.put('a', 'b'); console.log(await db.get('a')); await db.close()"
    const { stdout } = await execute(
      process.execPath,
      ['--input-type=module', '-e', script, path.join(folder.dir, 'level')],
      { cwd: path.join(prefix, 'lib/node_modules/waystation') }
    )
    expect(stdout.trim()).toBe('b')
  })

  it('has a libsodium that works as it came', async () => {
    const script =
      "const { default: sodium } = await import('sodium-native'); const digest = Buffer.alloc(32);" +
      "sodium.crypto_hash_sha256(digest, Buffer.from('abc')); console.log(digest.toString('hex'))"
    const { stdout } = await execute(process.execPath, ['--input-type=module', '-e', script], {
      cwd: path.join(prefix, 'lib/node_modules/waystation')
    })
    expect(stdout.trim()).toBe(createHash('sha256').update('abc').digest('hex'))
  })
})

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, chown, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { homedir, tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import asar from '@electron/asar'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { createPlainClient, createListener, dialThrough, exchange } from '../support/clients.ts'
import { Command, startNode, type Finished } from '../support/command.ts'
import { missing } from '../support/needs.ts'
import { ROOT } from '../support/package.ts'
import { addressOf } from '../support/relay.ts'

const execute = promisify(execFile)

/** An Electron for this platform. Where none can be had the tests are skipped, in CI as well. */
function electronFolder(): string | undefined {
  const folders = [process.env['ELECTRON_OVERRIDE_DIST_PATH'], path.join(ROOT, 'node_modules/electron/dist')]
  return folders.find(folder => folder !== undefined && existsSync(path.join(folder, 'version')))
}
const electron = process.platform === 'linux' && process.arch === 'x64' ? electronFolder() : undefined
if (electron === undefined) {
  console.warn('skipped: an Electron for linux x64 is needed: set ELECTRON_OVERRIDE_DIST_PATH to its folder')
}
const skip =
  electron === undefined || missing('a build (npm run build)', existsSync(path.join(ROOT, 'out/desktop')))

const NOBODY = 65534
const asRoot = process.geteuid?.() === 0
/** Electron's binary refuses to be root. */
const UNDER = asRoot
  ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', 'env', '--unset=DISPLAY']
  : ['env', '--unset=DISPLAY']

let dir: string
let app: string
let inside: string[]
let unpackedFiles: string[]

/** A folder that the node's user may write. */
async function home(name: string): Promise<string> {
  const folder = path.join(dir, name)
  await mkdir(folder)
  if (asRoot) await chown(folder, NOBODY, NOBODY)
  return folder
}

describe.skipIf(skip)('npm run dist:dir', () => {
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'waystation-dist-'))
    await chmod(dir, 0o755)
    await execute(process.execPath, ['build/dist.ts', '--dir', `-c.directories.output=${dir}`], {
      cwd: ROOT,
      env: { ...process.env, ELECTRON_OVERRIDE_DIST_PATH: electron, WAYSTATION_UPDATE_URL: '' },
      maxBuffer: 2 ** 24
    })
    app = path.join(dir, 'linux-unpacked')
    inside = asar.listPackage(path.join(app, 'resources/app.asar'), { isPack: false })
    const unpacked = path.join(app, 'resources/app.asar.unpacked')
    const entries = await readdir(unpacked, { recursive: true, withFileTypes: true })
    unpackedFiles = entries
      .filter(entry => entry.isFile())
      .map(entry => path.relative(unpacked, path.join(entry.parentPath, entry.name)))
  })
  afterAll(() => rm(dir, { recursive: true, force: true }))

  describe('the packaged app', () => {
    it.each([
      '/package.json',
      '/out/desktop/index.js',
      '/out/desktop/cli.js',
      '/out/preload/index.cjs',
      '/out/renderer/index.html',
      '/LICENSE-MIT'
    ])('has %s', file => {
      expect(inside).toContain(file)
    })

    it('has no sources, no source maps, no tests and nothing of the build', () => {
      expect(inside.filter(file => /\.(ts|map|svelte|tsbuildinfo|gyp|cc)$/.test(file))).toEqual([])
      const top = new Set(inside.map(file => file.split('/')[1]))
      expect([...top].sort()).toEqual(
        ['CHANGELOG.md', 'LICENSE-APACHE', 'LICENSE-MIT', 'node_modules', 'out', 'package.json'].sort()
      )
      const built = new Set(inside.filter(file => file.startsWith('/out/')).map(file => file.split('/')[2]))
      expect([...built].sort()).toEqual(['desktop', 'preload', 'renderer'])
    })

    it('has no packages but those with native code and what they need', () => {
      const folders = inside.filter(file => /^\/node_modules\/(@[^/]+\/)?[^@/]+$/.test(file))
      const names = folders.map(folder => folder.slice('/node_modules/'.length))
      const development = Object.keys(manifest.devDependencies)
      expect(names.filter(name => development.includes(name))).toEqual([])
      expect(names.filter(name => !name.startsWith('@chainsafe/')).length).toBeLessThan(24)
      expect(names.filter(name => name.startsWith('@chainsafe/')).sort()).toEqual([
        '@chainsafe/libp2p-quic',
        '@chainsafe/libp2p-quic-linux-x64-gnu'
      ])
    })

    it('has a manifest without scripts and development dependencies', () => {
      const text = asar.extractFile(path.join(app, 'resources/app.asar'), 'package.json').toString()
      const { name, version, main, ...others } = JSON.parse(text) as Record<string, unknown>
      expect({ name, version, main }).toEqual({
        name: 'waystation',
        version: manifest.version,
        main: 'out/desktop/index.js'
      })
      expect(Object.keys(others)).not.toEqual(
        expect.arrayContaining([expect.stringMatching(/^(scripts|devDependencies|build)$/)])
      )
    })

    it('has no secrets, and no paths of the machine that built it', () => {
      expect(inside.filter(file => /\.(env|pem|key|p12|pfx|token|age)$|\/\.(npmrc|git)/i.test(file))).toEqual(
        []
      )
      const whole = readFileSync(path.join(app, 'resources/app.asar'), 'latin1')
      for (const place of [`${ROOT}/`, `${homedir()}/.`]) expect(whole.includes(place), place).toBe(false)
      // Code that reads keys names their first line, and no more.
      expect(whole).not.toMatch(/PRIVATE KEY-----(\s|\\n)*[A-Za-z0-9+/]{40}/)
    })

    it('has the native parts of this platform alone, outside the archive', () => {
      expect(unpackedFiles.sort()).toEqual([
        'node_modules/@chainsafe/libp2p-quic-linux-x64-gnu/libp2p-quic.linux-x64-gnu.node',
        'node_modules/@node-datachannel/linux-x64-gnu/node_datachannel.node',
        'node_modules/classic-level/prebuilds/linux-x64/classic-level.node',
        'node_modules/sodium-native/prebuilds/linux-x64/sodium-native.node'
      ])
    })

    // Where it does not load the node goes on, ten times as costly for each byte, which no other test would notice.
    it('has a libsodium that Electron loads', async () => {
      const script =
        `const sodium = require(process.argv[1]); const digest = Buffer.alloc(32);` +
        `sodium.crypto_hash_sha256(digest, Buffer.from('abc')); console.log(digest.toString('hex'))`
      const from = path.join(app, 'resources/app.asar/node_modules/sodium-native')
      const [under = '', ...flags] = [...UNDER, path.join(app, 'waystation')]
      const env = { ...process.env, ELECTRON_RUN_AS_NODE: '1' }
      const { stdout } = await execute(under, [...flags, '-e', script, from], { env })
      expect(stdout.trim()).toBe(createHash('sha256').update('abc').digest('hex'))
    })

    it('has tray icons, the command, and the licences of what it is made of beside the archive', async () => {
      const resources = path.join(app, 'resources')
      expect(await readdir(path.join(resources, 'tray'))).toContain('tray-relaying-dark@2x.png')
      expect((await lstat(path.join(resources, 'bin/waystation'))).mode & 0o111).toBe(0o111)
      const notices = await readFile(path.join(resources, 'NOTICES.txt'), 'utf8')
      for (const name of [
        'libp2p',
        '@libp2p/noise',
        'fastify',
        'zod',
        'svelte',
        'uplot',
        'classic-level',
        'sodium-native'
      ]) {
        expect(notices).toMatch(new RegExp(`^== ${name} \\d`, 'm'))
      }
      // Of what the native parts are compiled from.
      for (const owner of ['Frank Denis', 'The LevelDB Authors']) expect(notices).toContain(owner)
      expect(existsSync(path.join(resources, 'default_app.asar'))).toBe(false)
    })

    it('looks for no updates, because this build was given no address', () => {
      expect(existsSync(path.join(app, 'resources/app-update.yml'))).toBe(false)
    })

    it('has its fuses set', async () => {
      // A part of electron-builder, which sets them.
      const builder = createRequire(createRequire(import.meta.url).resolve('electron-builder'))
      const fuses = (await import(
        createRequire(builder.resolve('app-builder-lib')).resolve('@electron/fuses')
      )) as {
        getCurrentFuseWire(file: string): Promise<Record<number, number>>
        FuseV1Options: Record<string, number>
      }
      const wire = await fuses.getCurrentFuseWire(path.join(app, 'waystation'))
      const state = (name: string): string => String.fromCharCode(wire[fuses.FuseV1Options[name]!]!)
      const names = Object.keys(fuses.FuseV1Options).filter(name => Number.isNaN(Number(name)))
      expect(Object.fromEntries(names.map(name => [name, state(name)]))).toMatchObject({
        RunAsNode: '1',
        EnableCookieEncryption: '1',
        EnableNodeOptionsEnvironmentVariable: '0',
        EnableNodeCliInspectArguments: '0',
        EnableEmbeddedAsarIntegrityValidation: '1',
        OnlyLoadAppFromAsar: '1',
        LoadBrowserProcessSpecificV8Snapshot: '0',
        GrantFileProtocolExtraPrivileges: '0'
      })
    })

    it('adds less than 28 MB to Electron', async () => {
      const size = async (folder: string): Promise<number> =>
        Number.parseInt((await execute('du', ['--summarize', '--bytes', folder])).stdout)
      const [all, ours] = [await size(app), await size(path.join(app, 'resources'))]
      const archive = (await lstat(path.join(app, 'resources/app.asar'))).size
      const mega = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
      console.log(
        `unpacked app: ${mega(all)}; resources: ${mega(ours)}; app.asar: ${mega(archive)} in ${inside.length} entries`
      )
      expect(ours).toBeLessThan(28e6)
    })
  })

  /** The installed command, through a link as /usr/bin has it, without a display. */
  describe('its command', () => {
    let program: string
    let env: NodeJS.ProcessEnv
    beforeAll(async () => {
      program = path.join(dir, 'waystation')
      await symlink(path.join(app, 'resources/bin/waystation'), program)
      env = { HOME: await home('home') }
    })
    const run = (...args: string[]): Promise<Finished> =>
      new Command(args, { env, program, under: UNDER }).finished

    it('says its version', async () => {
      expect(await run('--version')).toMatchObject({ code: 0, stdout: `${manifest.version}\n`, stderr: '' })
    })

    it('refuses a flag that it does not know, before any window', async () => {
      expect(await run('--no-gui', '--no-such-flag')).toMatchObject({ code: 2 })
    })

    it('relays for stock clients without a display, answers commands, and ends in order', async () => {
      const dataDir = await home('data')
      await using node = startNode(dataDir, [], { env, program, under: UNDER })
      const { addresses, peerId } = await node.listening()
      for (const kind of ['tcp', 'quic'] as const) {
        const address = addressOf(addresses, kind)
        const listener = await createListener(address)
        const dialer = await createPlainClient()
        expect(await exchange(await dialThrough(dialer, address, listener), 100_000)).toBe(true)
        await dialer.stop()
        await listener.stop()
      }
      const { code, stdout } = await run('status', '--json', '--data-dir', dataDir)
      expect(code).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({ peerId, mode: { mode: 'open' }, warnings: [] })

      const electrons = await processesOf(app)
      expect(electrons.map(({ type }) => type)).toEqual(['node'])
      expect(electrons[0]!.pid).toBe(node.pid)
      expect(await readFile(`/proc/${node.pid}/maps`, 'utf8')).toContain('/sodium-native.node')
      expect(await node.kill('SIGTERM')).toMatchObject({ code: 0, signal: null })
      expect(await processesOf(app)).toEqual([])
    })
  })

  describe('its binary', () => {
    it('relays without a display as well, and passes signals and exit codes through', async () => {
      const dataDir = await home('binary')
      const program = path.join(app, 'waystation')
      await using node = startNode(dataDir, [], { env: { HOME: dataDir }, program, under: UNDER })
      const { addresses } = await node.listening()
      const address = addressOf(addresses, 'tcp')
      const listener = await createListener(address)
      const dialer = await createPlainClient()
      expect(await exchange(await dialThrough(dialer, address, listener), 100_000)).toBe(true)
      await dialer.stop()
      await listener.stop()
      expect((await processesOf(app)).map(({ type }) => type)).not.toContain('gpu-process')
      expect(await node.kill('SIGTERM')).toMatchObject({ code: 0, signal: null })
      expect(await processesOf(app)).toEqual([])
    })
  })
})

/** The running processes of an app, by what Chromium calls them; `node`: started as plain Node. */
async function processesOf(folder: string): Promise<{ pid: number; type: string }[]> {
  const found: { pid: number; type: string }[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')
    if (!command.startsWith(path.join(folder, 'waystation'))) continue
    const type = /--type=([a-z-]+)/.exec(command)?.[1]
    found.push({ pid: Number(name), type: type ?? (command.includes('/cli.js') ? 'node' : 'browser') })
  }
  return found
}

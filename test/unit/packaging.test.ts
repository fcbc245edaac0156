import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Configuration } from 'electron-builder'
import { beforeAll, describe, expect, it } from 'vitest'
import { nativeFiles } from '../../build/after-pack.ts'
import checksums from '../../build/checksums.ts'
import { distArguments } from '../../build/dist.ts'
import { makeIcons } from '../../build/icons.ts'
import { quicPackage, webRtcPackage } from '../../build/natives.ts'
import { ROOT } from '../support/package.ts'

/** electron-builder reads and checks its configuration with these. */
interface BuilderConfig {
  getConfig(dir: string, file: string, options: null): Promise<Configuration>
  validateConfiguration(config: unknown, log: { isEnabled: boolean }): Promise<void>
}
const CONFIG = path.join(ROOT, 'node_modules/app-builder-lib/out/util/config/config.js')
const builder = createRequire(import.meta.url)(CONFIG) as BuilderConfig
const validate = (config: unknown): Promise<void> =>
  builder.validateConfiguration(config, { isEnabled: false })

let config: Configuration
beforeAll(async () => {
  config = await builder.getConfig(ROOT, 'electron-builder.yml', null)
})

describe('electron-builder.yml', () => {
  it("is what electron-builder's schema allows, in every platform's section", async () => {
    await expect(validate(config)).resolves.toBeUndefined()
    // The schema is large, and is compiled at its first use.
  }, 60_000)

  it.each(['win', 'nsis', 'mac', 'linux', 'deb', 'rpm', 'electronFuses', 'toolsets'] as const)(
    'would not pass with a word in %s that electron-builder does not know',
    async section => {
      const spoilt = { ...config, [section]: { ...config[section], noSuchOption: true } }
      await expect(validate(spoilt)).rejects.toThrow(/configuration/i)
    }
  )

  it.each([
    ['win', { nsis: ['x64', 'arm64'] }],
    ['mac', { dmg: ['universal'], zip: ['universal'] }],
    ['linux', { AppImage: ['x64', 'arm64'], deb: ['x64', 'arm64'], rpm: ['x64', 'arm64'] }]
  ] as const)('makes the installers of %s', (platform, wanted) => {
    type Target = { target: string; arch: string | string[] }
    const targets = config[platform]?.target as Target[]
    expect(Object.fromEntries(targets.map(({ target, arch }) => [target, [arch].flat()]))).toEqual(wanted)
  })

  it.each(['win', 'mac', 'linux'] as const)('names files of this repository for %s', platform => {
    const { icon, extraResources } = config[platform]!
    const sources = (extraResources as { from: string }[]).map(({ from }) => from)
    const scripts = [config.deb!, config.rpm!].flatMap(({ afterInstall, afterRemove }) => [
      afterInstall,
      afterRemove
    ])
    const others = [config.mac?.entitlements, config.mac?.entitlementsInherit, config.afterPack]
    for (const file of [icon, ...sources, ...scripts, ...others, config.afterAllArtifactBuild]) {
      expect(existsSync(path.join(ROOT, file as string)), String(file)).toBe(true)
    }
  })

  it('takes of node_modules what the native packages need, and nothing else', () => {
    const filter = (config.files as { filter: string[] }[]).flatMap(set => set.filter)
    const [, named = ''] = /!node_modules\/!\(([^)]+)\)/.exec(filter.join('\n')) ?? []
    // Headers, and what only another runtime than Node loads.
    const unused = ['napi-macros', 'bare-assert']
    const roots = ['classic-level', 'sodium-native', 'node-datachannel']
    const needed = [...roots.reduce((found, root) => closure(root, found), new Set(unused))]
    expect(named.split('|').sort()).toEqual(
      ['@chainsafe', '@node-datachannel', ...needed.filter(name => !unused.includes(name))].sort()
    )
  })

  it('opens links of networks with the app', () => {
    expect(config.protocols).toEqual([expect.objectContaining({ schemes: ['waystation'] })])
  })

  it('publishes nowhere of itself', () => {
    expect(config.publish).toBeNull()
  })
})

/** A package and all that it depends on. */
function closure(name: string, found = new Set<string>()): Set<string> {
  if (found.has(name)) return found
  found.add(name)
  const manifest = JSON.parse(
    readFileSync(path.join(ROOT, 'node_modules', name, 'package.json'), 'utf8')
  ) as {
    dependencies?: Record<string, string>
  }
  for (const dependency of Object.keys(manifest.dependencies ?? {})) closure(dependency, found)
  return found
}

describe('the native parts', () => {
  const LEVEL = 'node_modules/classic-level/prebuilds'
  const QUIC = 'node_modules/@chainsafe/libp2p-quic'
  const SODIUM = 'node_modules/sodium-native/prebuilds'
  const webRtc = (name: string): string => `node_modules/@node-datachannel/${name}/node_datachannel.node`
  const sodium = (target: string): string => `${SODIUM}/${target}/sodium-native.node`
  it.each([
    [
      'linux-x64',
      [
        `${LEVEL}/linux-x64/classic-level.node`,
        sodium('linux-x64'),
        `${QUIC}-linux-x64-gnu/q.node`,
        webRtc('linux-x64-gnu')
      ]
    ],
    [
      'linux-arm64',
      [
        `${LEVEL}/linux-arm64/classic-level.armv8.node`,
        sodium('linux-arm64'),
        `${QUIC}-linux-arm64-gnu/q.node`,
        webRtc('linux-arm64-gnu')
      ]
    ],
    [
      'darwin-universal',
      [
        `${LEVEL}/darwin-x64+arm64/classic-level.node`,
        sodium('darwin-x64'),
        sodium('darwin-arm64'),
        `${QUIC}-darwin-x64/q.node`,
        `${QUIC}-darwin-arm64/q.node`,
        webRtc('darwin-x64'),
        webRtc('darwin-arm64')
      ]
    ],
    [
      'darwin-arm64',
      [
        `${LEVEL}/darwin-x64+arm64/classic-level.node`,
        sodium('darwin-arm64'),
        `${QUIC}-darwin-arm64/q.node`,
        webRtc('darwin-arm64')
      ]
    ],
    [
      'win32-x64',
      [
        `${LEVEL}/win32-x64/classic-level.node`,
        sodium('win32-x64'),
        `${QUIC}-win32-x64-msvc/q.node`,
        webRtc('win32-x64-msvc')
      ]
    ],
    [
      'win32-arm64',
      [`${LEVEL}/win32-arm64/classic-level.node`, sodium('win32-arm64'), webRtc('win32-arm64-msvc')]
    ]
  ])('of %s are known', (target, files) => {
    const patterns = nativeFiles(target)
    expect(patterns).toHaveLength(files.length)
    patterns.forEach((pattern, index) => expect(files[index]).toMatch(pattern))
  })

  it('of one platform are no other’s', () => {
    const [level, sodiums, quic, webRtcs] = nativeFiles('linux-arm64')
    expect(webRtc('linux-arm64-musl')).not.toMatch(webRtcs!)
    expect(`${LEVEL}/linux-x64/classic-level.node`).not.toMatch(level!)
    expect(sodium('linux-x64')).not.toMatch(sodiums!)
    expect(`${QUIC}-linux-arm64-musl/q.node`).not.toMatch(quic!)
  })

  it.each(['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'win32-x64'])(
    'of QUIC for %s are a package of the version that is installed',
    target => {
      const { version } = JSON.parse(readFileSync(path.join(ROOT, `${QUIC}/package.json`), 'utf8')) as {
        version: string
      }
      expect(quicPackage(target)).toMatchObject({ version })
    }
  )

  it.each(['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'win32-x64', 'win32-arm64'])(
    'of libsodium for %s came with the package',
    target => {
      expect(existsSync(path.join(ROOT, sodium(target)))).toBe(true)
    }
  )

  it.each(['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'win32-x64', 'win32-arm64'])(
    'of WebRTC for %s are a package of the version that is installed',
    target => {
      const file = path.join(ROOT, 'node_modules/node-datachannel/package.json')
      const { optionalDependencies } = JSON.parse(readFileSync(file, 'utf8')) as {
        optionalDependencies: Record<string, string>
      }
      const { name, version } = webRtcPackage(target)
      expect(optionalDependencies[name]).toBe(version)
    }
  )

  it('of QUIC are not made for Windows on ARM', () => {
    expect(quicPackage('win32-arm64')).toBeUndefined()
  })
})

describe('npm run dist', () => {
  const options = { env: {}, platform: 'linux' as const, given: [], readVersion: () => '33.4.11' }

  it('takes the Electron that the environment names', () => {
    const env = { ELECTRON_OVERRIDE_DIST_PATH: '/opt/electron' }
    const { flags } = distArguments({ ...options, env })
    expect(flags).toEqual(
      expect.arrayContaining(['-c.electronDist=/opt/electron', '-c.electronVersion=33.4.11'])
    )
  })

  it('lets the app look for updates only where an address is given', () => {
    const without = distArguments(options)
    expect(without.flags.join(' ')).not.toContain('-c.publish')
    expect(without.notes.join(' ')).toContain('no updates')
    const { flags, notes } = distArguments({
      ...options,
      env: { WAYSTATION_UPDATE_URL: 'https://example.org' }
    })
    expect(flags).toEqual(
      expect.arrayContaining(['-c.publish.provider=generic', '-c.publish.url=https://example.org'])
    )
    expect(notes.join(' ')).not.toContain('no updates')
  })

  it('makes only the AppImage on Linux where it knows no homepage, which a deb and an rpm must name', () => {
    expect(distArguments(options).flags.slice(-2)).toEqual(['--linux', 'AppImage'])
    for (const env of [
      { WAYSTATION_HOMEPAGE: 'https://example.org' },
      { GITHUB_SERVER_URL: 'https://example.org', GITHUB_REPOSITORY: 'a/b' }
    ]) {
      expect(distArguments({ ...options, env }).flags).not.toContain('--linux')
    }
    expect(distArguments({ ...options, platform: 'win32' }).flags).not.toContain('--linux')
  })

  it('passes on what was written, and chooses no target then', () => {
    const { flags } = distArguments({ ...options, given: ['--dir', '-c.compression=store'] })
    expect(flags.slice(-2)).toEqual(['--dir', '-c.compression=store'])
    expect(flags).not.toContain('--linux')
  })

  it.each([
    [[], ['linux-x64', 'linux-arm64']],
    [['--linux', 'AppImage', '--arm64'], ['linux-arm64']],
    [['--dir'], []]
  ])('with %j needs the native parts of %j besides this machine’s', (given, natives) => {
    expect(distArguments({ ...options, given }).natives).toEqual(natives)
  })

  it('uploads nothing', () => {
    expect(distArguments(options).flags.join(' ')).toContain('--publish never')
  })
})

describe('the checksums', () => {
  it('are those of the installers, as sha256sum writes them', async () => {
    const dir = await mkdtemp(path.join(tmpdir(), 'waystation-sums-'))
    try {
      const names = ['b.deb', 'a.AppImage', 'a.AppImage.blockmap']
      for (const name of names) await writeFile(path.join(dir, name), `of ${name}`)
      const made = await checksums({ outDir: dir, artifactPaths: names.map(name => path.join(dir, name)) })
      expect(made).toEqual([path.join(dir, 'SHA256SUMS')])
      const sum = (text: string): string => createHash('sha256').update(text).digest('hex')
      expect(await readFile(made[0]!, 'utf8')).toBe(
        `${sum('of a.AppImage')}  a.AppImage\n${sum('of b.deb')}  b.deb\n`
      )
    } finally {
      await rm(dir, { recursive: true })
    }
  })

  it('are not written for an unpacked build', async () => {
    expect(await checksums({ outDir: '/nowhere', artifactPaths: [] })).toEqual([])
  })
})

describe('the icons', () => {
  const made = makeIcons()

  // The renderer's last bits may differ on another processor.
  it.runIf(process.arch === 'x64')('in the repository are what `npm run icons` makes', () => {
    const stale = [...made].filter(([file, bytes]) => !readFileSync(path.join(ROOT, file)).equals(bytes))
    expect(stale.map(([file]) => file)).toEqual([])
  })

  it.each([...made.keys()].filter(file => file.endsWith('.png')))('%s has its size', file => {
    const bytes = made.get(file)!
    const [, size = file.includes('@2x') ? 32 : 16] = /(\d+)x\1\.png$/.exec(file) ?? []
    expect([bytes.readUInt32BE(16), bytes.readUInt32BE(20)]).toEqual([Number(size), Number(size)])
  })

  it('of Windows hold every size, each where the header says', () => {
    const icon = made.get('build/icon.ico')!
    const count = icon.readUInt16LE(4)
    const entries = Array.from({ length: count }, (_, index) => 6 + 16 * index).map(at => ({
      size: icon.readUInt8(at) || 256,
      bytes: icon.readUInt32LE(at + 8),
      offset: icon.readUInt32LE(at + 12)
    }))
    expect(entries.map(({ size }) => size)).toEqual([16, 24, 32, 48, 64, 128, 256])
    for (const { size, offset } of entries) {
      const width = size === 256 ? icon.readUInt32BE(offset + 16) : icon.readInt32LE(offset + 4)
      expect(width).toBe(size)
    }
    const last = entries.at(-1)!
    expect(last.offset + last.bytes).toBe(icon.length)
  })

  it('of macOS hold the sizes from 32 to 1024', () => {
    const icon = made.get('build/icon.icns')!
    expect(icon.readUInt32BE(4)).toBe(icon.length)
    const sizes: number[] = []
    for (let at = 8; at < icon.length; at += icon.readUInt32BE(at + 4)) sizes.push(icon.readUInt32BE(at + 24))
    expect([...new Set(sizes)].sort((a, b) => a - b)).toEqual([32, 64, 128, 256, 512, 1024])
  })

  it('of the tray differ in shape, not only in colour', () => {
    const STATES = ['relaying', 'paused', 'off', 'trouble']
    const shapes = STATES.map(state => alphaOf(made.get(`resources/tray/tray-${state}-dark.ico`)!))
    shapes.forEach((one, index) => {
      for (const other of shapes.slice(index + 1)) {
        const different = one.filter((alpha, at) => Math.abs(alpha - other[at]!) > 128).length
        expect(different).toBeGreaterThan(16 * 16 * 0.15)
      }
    })
  })
})

/** The alpha of an icon's first picture, of 16 by 16. */
function alphaOf(icon: Buffer): number[] {
  const pixels = icon.readUInt32LE(6 + 12) + 40
  return Array.from({ length: 256 }, (_, index) => icon[pixels + index * 4 + 3]!)
}

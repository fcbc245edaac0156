import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { generateKeyPairSync, sign, createHash, type KeyObject } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { request, type IncomingMessage, type RequestOptions } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { AppImageUpdater } from 'electron-updater'
import { ElectronHttpExecutor } from 'electron-updater/out/electronHttpExecutor.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { appImageEngine, prepareUpdater, type UpdateEngine } from '../../app/main/desktop/update-engine.ts'
import { getPrevious } from '../../app/main/desktop/update-previous.ts'
import { signedText } from '../../app/main/desktop/update-signature.ts'
import { latestYml, startUpdateServer, type UpdateServer } from '../support/update-server.ts'
import { until } from '../support/until.ts'

/** electron-updater's own HTTP client, but for Electron's sockets: those are Node's here. */
class NodeHttpExecutor extends ElectronHttpExecutor {
  override createRequest(options: RequestOptions, callback: (response: IncomingMessage) => void): never {
    return request(options, callback) as never
  }
}

const NAME = 'Waystation-2.0.0-x86_64.AppImage'
const FEED = process.arch === 'x64' ? 'latest-linux.yml' : `latest-linux-${process.arch}.yml`

describe('updates of an AppImage, by the real electron-updater from a real server', () => {
  let dir: string
  let appImage: string
  let started: string
  let server: UpdateServer
  let keys: { publicKey: KeyObject; privateKey: KeyObject }
  let content: Buffer
  let exits: number
  let appImageBefore: string | undefined

  beforeEach(async () => {
    dir = mkdtempSync(path.join(tmpdir(), 'waystation-update-'))
    mkdirSync(path.join(dir, 'apps'))
    mkdirSync(path.join(dir, 'user'))
    mkdirSync(path.join(dir, 'downloads'))
    appImage = path.join(dir, 'apps', 'My Waystation.AppImage')
    started = path.join(dir, 'started')
    writeFileSync(appImage, '#!/bin/sh\nexit 1\n')
    chmodSync(appImage, 0o755)
    // The new version says how it was started.
    content = Buffer.from(
      `#!/bin/sh\nprintf '%s\\n' "$0" "$@" "APPIMAGE=$APPIMAGE" > '${started}.part'\nmv '${started}.part' '${started}'\n`
    )
    keys = generateKeyPairSync('ed25519')
    server = await startUpdateServer()
    publish('2.0.0', NAME)
    exits = 0
    appImageBefore = process.env['APPIMAGE']
    process.env['APPIMAGE'] = appImage
  })
  afterEach(async () => {
    if (appImageBefore === undefined) delete process.env['APPIMAGE']
    else process.env['APPIMAGE'] = appImageBefore
    await server.close()
    rmSync(dir, { recursive: true })
  })

  const signatureOf = (version: string, name: string, of = content, by = keys.privateKey): string => {
    const sha512 = createHash('sha512').update(of).digest()
    return sign(null, Buffer.from(signedText({ version, name, sha512 })), by).toString('base64')
  }
  function publish(version: string, name: string): void {
    server.files.set(`/${FEED}`, latestYml(version, name, content))
    server.files.set(`/${name}`, content)
    server.files.set(`/${name}.sig`, signatureOf(version, name))
  }

  function open(version = '1.0.0', hasKey = true): UpdateEngine {
    const app = {
      version,
      name: 'waystation',
      isPackaged: true,
      appUpdateConfigPath: path.join(dir, 'app-update.yml'),
      userDataPath: path.join(dir, 'user'),
      baseCachePath: path.join(dir, 'cache'),
      whenReady: async () => undefined,
      relaunch: () => undefined,
      quit: () => undefined,
      onQuit: () => undefined
    }
    writeFileSync(
      app.appUpdateConfigPath,
      `provider: generic\nurl: ${server.url}\nupdaterCacheDirName: waystation-updater\n`
    )
    const updater = new AppImageUpdater(null, app)
    Object.assign(updater, { httpExecutor: new NodeHttpExecutor(() => undefined) })
    prepareUpdater(updater, { debug: () => undefined, warn: () => undefined })
    return appImageEngine(
      { updater, fetch, exit: () => void exits++ },
      { version, appImage, key: hasKey ? keys.publicKey : undefined, args: ['--data-dir', '/srv/my data'] }
    )
  }
  const inApps = (): string[] => readdirSync(path.join(dir, 'apps'))
  const old = '#!/bin/sh\nexit 1\n'

  it('finds a new version, and where the running one is published', async () => {
    expect(await open().check()).toEqual({
      version: '2.0.0',
      currentUrl: `${server.url}/Waystation-1.0.0-x86_64.AppImage`
    })
  })

  it.each(['2.0.0', '2.1.0'])('finds nothing new for %s', async version => {
    expect(await open(version).check()).toBeUndefined()
  })

  it('downloads nothing by itself, and tells the server nothing that is this installation’s alone', async () => {
    await open().check()
    await open().check()
    expect(server.requests.map(each => each.path)).toEqual([`/${FEED}`, `/${FEED}`])
    const ids = server.requests.map(({ headers }) => headers['x-user-staging-id'])
    expect(new Set(ids)).toEqual(new Set(['00000000-0000-5000-8000-000000000000']))
    expect(readdirSync(path.join(dir, 'user'))).toEqual([])
  })

  it('puts a signed version in the place of the old one, under its name, ready to run', async () => {
    const engine = open()
    const percents: number[] = []
    await engine.check()
    await engine.download(percent => percents.push(percent))
    expect(readFileSync(appImage, 'utf8')).toBe(old)
    await engine.install()
    // It would be started when this process has ended, which is not soon: see the next test.
    endWaiters()
    expect(readFileSync(appImage)).toEqual(content)
    expect(statSync(appImage).mode & 0o777).toBe(0o755)
    expect(inApps()).toEqual(['My Waystation.AppImage'])
    expect(exits).toBe(1)
  })

  it('starts the new version with the same data folder as soon as the old process is gone', async () => {
    writeFileSync(appImage, content)
    const script = fileURLToPath(new URL('../../app/main/desktop/update-appimage.ts', import.meta.url))
    const code = `import { startAfter } from ${JSON.stringify(script)}
      startAfter(process.pid, [process.env.APPIMAGE, '--data-dir', '/srv/my data'])
      setTimeout(() => {}, 1500)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'inherit' })
    const ended = once(child, 'exit')
    await new Promise(resolve => setTimeout(resolve, 1000))
    expect(existsSync(started)).toBe(false)
    await ended
    await until('the new version starts', () => existsSync(started))
    expect(readFileSync(started, 'utf8').trimEnd().split('\n')).toEqual([
      appImage,
      '--data-dir',
      '/srv/my data',
      'APPIMAGE='
    ])
  })

  const attacks: [string, () => void, string][] = [
    ['without a signature', () => server.files.delete(`/${NAME}.sig`), 'carries no signature'],
    [
      'signed by someone else',
      () => {
        const other = generateKeyPairSync('ed25519').privateKey
        server.files.set(`/${NAME}.sig`, signatureOf('2.0.0', NAME, content, other))
      },
      'not one of'
    ],
    [
      'that was changed together with its hash',
      () => {
        const changed = Buffer.concat([content, Buffer.from('rm -rf ~\n')])
        server.files.set(`/${NAME}`, changed)
        server.files.set(`/${FEED}`, latestYml('2.0.0', NAME, changed))
      },
      'not one of'
    ],
    [
      'that is an old one, signed in its time',
      () => {
        server.files.set(`/${FEED}`, latestYml('3.0.0', NAME, content))
      },
      'not one of'
    ],
    [
      'that is not what its hash says',
      () => server.files.set(`/${NAME}`, Buffer.alloc(content.length, 'x')),
      'could not be downloaded'
    ],
    ['that is not there', () => server.files.delete(`/${NAME}`), 'could not be downloaded'],
    ['with a signature without end', () => server.files.set(`/${NAME}.sig`, 'A'.repeat(5000)), 'no signature']
  ]
  it.each(attacks)('installs no version %s', async (_, attack, message) => {
    attack()
    const engine = open()
    await engine.check()
    await expect(engine.download(() => undefined)).rejects.toThrow(message)
    await expect(engine.install()).rejects.toThrow('Nothing was downloaded')
    expect(readFileSync(appImage, 'utf8')).toBe(old)
    expect(inApps()).toEqual(['My Waystation.AppImage'])
    expect(exits).toBe(0)
  })

  it('verifies what an earlier start downloaded as well', async () => {
    const first = open()
    await first.check()
    await first.download(() => undefined)
    server.files.set(`/${NAME}.sig`, signatureOf('2.0.0', NAME, Buffer.from('another')))
    const second = open()
    await second.check()
    await expect(second.download(() => undefined)).rejects.toMatchObject({ code: 'update-unverified' })
  })

  it('downloads nothing in a build without a key', async () => {
    const engine = open('1.0.0', false)
    expect(await engine.check()).toMatchObject({ version: '2.0.0' })
    await expect(engine.download(() => undefined)).rejects.toMatchObject({ code: 'update-failed' })
    expect(server.requests.some(({ path: at }) => at.endsWith('.AppImage'))).toBe(false)
  })

  it('says in one sentence that there is no answer', async () => {
    server.files.delete(`/${FEED}`)
    const error: unknown = await open()
      .check()
      .catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'update-failed' })
    expect((error as Error).message).toMatch(
      /^New versions could not be looked for: [^\n]+\. Try again later\.$/
    )
  })

  describe('the way back', () => {
    const OLD = 'Waystation-1.0.0-x86_64.AppImage'
    const shown: string[] = []
    const opened: string[] = []
    const get = (url?: string, page?: string): Promise<void> =>
      getPrevious(
        {
          fetch,
          openExternal: async at => void opened.push(at),
          showItemInFolder: at => void shown.push(at)
        },
        { downloads: path.join(dir, 'downloads'), key: keys.publicKey, page },
        { version: '1.0.0', ...(url !== undefined && { url }) }
      )
    beforeEach(() => {
      shown.length = 0
      opened.length = 0
      publish('1.0.0', OLD)
    })

    it('downloads, verifies and shows the AppImage of the version before', async () => {
      await get(`${server.url}/${OLD}`)
      const file = path.join(dir, 'downloads', OLD)
      expect(shown).toEqual([file])
      expect(readFileSync(file)).toEqual(content)
      expect(statSync(file).mode & 0o777).toBe(0o755)
      expect(readdirSync(path.join(dir, 'downloads'))).toEqual([OLD])
    })

    it('keeps nothing that is not signed', async () => {
      server.files.set(`/${OLD}`, Buffer.from('something else'))
      await expect(get(`${server.url}/${OLD}`)).rejects.toMatchObject({ code: 'update-unverified' })
      expect(readdirSync(path.join(dir, 'downloads'))).toEqual([])
      expect(shown).toEqual([])
    })

    it('leaves other installers, and what it has no address for, to the browser', async () => {
      await get('https://example.org/Waystation-1.0.0.exe')
      await get(undefined, 'https://example.org/')
      await get('http://example.org/Waystation-1.0.0.exe', 'https://example.org/')
      expect(opened).toEqual([
        'https://example.org/Waystation-1.0.0.exe',
        'https://example.org/',
        'https://example.org/'
      ])
      await expect(get()).rejects.toMatchObject({ code: 'update-failed' })
    })
  })

  /** The shells that wait for the end of this process. */
  function endWaiters(): void {
    for (const entry of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
      try {
        const line = readFileSync(`/proc/${entry}/cmdline`, 'utf8')
        if (line.startsWith('/bin/sh\0') && line.includes(`\0${process.pid}\0${appImage}\0`)) {
          process.kill(Number(entry))
        }
      } catch {
        // It has ended meanwhile.
      }
    }
  }
})

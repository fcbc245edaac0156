import { execFile } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { startNode, temporaryFolder } from '../support/command.ts'
import { buildStage, isSent, readDockerfile } from '../support/dockerfile.ts'
import { missing } from '../support/needs.ts'
import { copyCheckout, isOnline, ROOT } from '../support/package.ts'

/**
 * The image without an engine: what its file says is done in folders, on this machine's Node. The base image itself and
 * the engine's own work are not tested here.
 */

const execute = promisify(execFile)
const stages = await readDockerfile(path.join(ROOT, 'resources/docker/Dockerfile'))
const ignore = await readFile(path.join(ROOT, '.dockerignore'), 'utf8')
const final = stages.at(-1)!
const all = stages.flatMap(stage => stage.instructions.map(instruction => ({ stage, ...instruction })))
const textOf = (name: string): string | undefined => final.instructions.findLast(i => i.name === name)?.text

describe('the Dockerfile', () => {
  it('copies only what is there and what .dockerignore lets through', () => {
    const fromContext = all.filter(({ name, flags }) => name === 'COPY' && flags['from'] === undefined)
    const sources = fromContext.flatMap(({ text }) => text.split(/\s+/).slice(0, -1))
    expect(sources).not.toEqual([])
    expect(sources.filter(source => !existsSync(path.join(ROOT, source)))).toEqual([])
    expect(sources.filter(source => !isSent(ignore, source))).toEqual([])
  })

  it('sends neither keys nor modules nor the repository to the engine', () => {
    const never = ['node_modules', '.git', 'out', 'identity.key', '.env', 'test']
    expect(never.filter(name => isSent(ignore, name))).toEqual([])
  })

  it('copies from stages that come before', () => {
    for (const [at, stage] of stages.entries()) {
      const earlier = stages.slice(0, at).map(({ name }) => name)
      const from = stage.instructions.flatMap(({ name, flags }) =>
        name === 'COPY' ? (flags['from'] ?? []) : []
      )
      expect(earlier).toEqual(expect.arrayContaining(from))
    }
  })

  it('starts from one Node that the package supports', () => {
    const bases = new Set(stages.map(({ base }) => base))
    expect([...bases]).toEqual([expect.stringMatching(/^node:\d+-slim$/)])
    const [needed = 0] = /\d+/.exec(manifest.engines.node) ?? []
    expect(Number(/\d+/.exec(stages[0]!.base)?.[0])).toBeGreaterThanOrEqual(Number(needed))
  })

  it('does not run as root, and keeps its data in a volume', () => {
    expect(textOf('USER')).toMatch(/^[1-9]\d*:[1-9]\d*$/)
    expect(textOf('ENV')).toContain(`WAYSTATION_DATA_DIR=${textOf('VOLUME')}`)
  })
})

const canBuild = await isOnline()
const isRoot = process.getuid?.() === 0

describe.skipIf(missing('the npm registry', canBuild) || missing('root', isRoot))(
  'the image, put together in folders',
  () => {
    let folder: Awaited<ReturnType<typeof temporaryFolder>>
    const rootOf = (stage: string): string => path.join(folder.dir, 'stages', stage)
    const inImage = (file: string): string => path.join(rootOf(final.name), file)
    const entry = (): string => inImage('/opt/waystation/app/main/waystation.js')

    beforeAll(async () => {
      folder = await temporaryFolder()
      const context = path.join(folder.dir, 'context')
      await copyCheckout(context)
      const PATH = `${path.dirname(process.execPath)}${path.delimiter}${process.env['PATH']}`
      for (const stage of stages) {
        await mkdir(path.join(rootOf(stage.name), 'usr/local/bin'), { recursive: true })
        // What begins at the root begins at the stage's.
        const local = (command: string): string => command.replaceAll(/(?<= )\//g, `${rootOf(stage.name)}/`)
        const run = (command: string, cwd: string) =>
          execute('sh', ['-ec', local(command)], { cwd, env: { ...process.env, PATH }, maxBuffer: 2 ** 24 })
        await buildStage(stage, { context, rootOf }, run)
      }
    }, 600_000)
    afterAll(() => folder[Symbol.asyncDispose]())

    it('holds no dependency that is only for development', () => {
      const modules = inImage('/opt/waystation/node_modules')
      expect(existsSync(path.join(modules, 'libp2p'))).toBe(true)
      const found = Object.keys(manifest.devDependencies).filter(name => existsSync(path.join(modules, name)))
      expect(found).toEqual([])
    })

    it('holds no source', async () => {
      const { stdout } = await execute('find', [
        inImage('/opt/waystation'),
        '-name',
        'node_modules',
        '-prune',
        '-o',
        '-name',
        '*.ts',
        '-print'
      ])
      expect(stdout).toBe('')
    })

    it('has a data folder for its user only', () => {
      const { uid, gid, mode } = statSync(inImage('/data'))
      expect(`${uid}:${gid}`).toBe(textOf('USER'))
      expect(mode & 0o777).toBe(0o700)
    })

    it('has the command on its PATH', async () => {
      const { stdout } = await execute(process.execPath, [inImage('/usr/local/bin/waystation'), '--version'])
      expect(stdout.trim()).toBe(manifest.version)
      expect(JSON.parse(textOf('ENTRYPOINT') ?? '')).toEqual(['waystation'])
    })

    it('is healthy while the node runs, and not before or after', async () => {
      const [, ...check] = JSON.parse((textOf('HEALTHCHECK') ?? '').replace(/^CMD /, '')) as string[]
      const health = (port: string): Promise<number> =>
        execute(process.execPath, check, { env: { ...process.env, WAYSTATION_HTTP_PORT: port } }).then(
          () => 0,
          (error: { code: number }) => error.code
        )
      const command = JSON.parse(textOf('CMD') ?? '') as string[]
      await using node = startNode(inImage('/data'), command, { entry: entry() })
      const { identity } = await node.listening()
      const { port } = new URL(identity[0] ?? '')
      expect(await health(port)).toBe(0)
      expect((await node.kill('SIGTERM')).code).toBe(0)
      expect(await health(port)).toBe(1)
    })
  }
)

import { execFile } from 'node:child_process'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { temporaryFolder } from '../support/command.ts'

const LAUNCHER = path.resolve('app/main/waystation.js')

interface Outcome {
  code: number
  stdout: string
  stderr: string
}

/** Runs the launcher on this Node, which claims to be another. */
function launch(file: string, { version = process.versions.node, typescript = true } = {}): Promise<Outcome> {
  const claims = [
    `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`,
    `Object.defineProperty(process.features, 'typescript', { value: ${typescript ? "'strip'" : 'false'} })`
  ]
  const args = [
    '--import',
    `data:text/javascript,${encodeURIComponent(claims.join('\n'))}`,
    file,
    '--version'
  ]
  return new Promise(resolve => {
    execFile(process.execPath, args, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
    })
  })
}

/** What `npm install` leaves: the launcher and something that was built. */
async function installIn(dir: string): Promise<string> {
  await mkdir(path.join(dir, 'app/main'), { recursive: true })
  await mkdir(path.join(dir, 'out/main'), { recursive: true })
  await writeFile(path.join(dir, 'package.json'), '{"type": "module"}')
  await writeFile(path.join(dir, 'out/main/cli.js'), "console.log('built', ...process.argv.slice(2))")
  const launcher = path.join(dir, 'app/main/waystation.js')
  await copyFile(LAUNCHER, launcher)
  return launcher
}

describe('the waystation command', () => {
  it('runs from source in a clone', async () => {
    expect(await launch(LAUNCHER)).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: '' })
  })

  it('runs what was built where it is installed', async () => {
    await using folder = await temporaryFolder()
    const outcome = await launch(await installIn(folder.dir))
    expect(outcome).toEqual({ code: 0, stdout: 'built --version\n', stderr: '' })
  })

  it('needs no TypeScript where it is installed', async () => {
    await using folder = await temporaryFolder()
    expect(await launch(await installIn(folder.dir), { typescript: false })).toMatchObject({ code: 0 })
  })

  it('says how to run a clone on a Node that has no TypeScript', async () => {
    const { code, stdout, stderr } = await launch(LAUNCHER, { version: '22.12.0', typescript: false })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^waystation: This clone .*`npm ci`.*\(this is Node 22\.12\.0\)\.\n$/)
  })

  it.each(['18.20.8', '20.19.0', '22.11.0'])(
    'says in one sentence that Node %s is too old',
    async version => {
      await using folder = await temporaryFolder()
      const { code, stdout, stderr } = await launch(await installIn(folder.dir), { version })
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toBe(
        `waystation: Waystation needs Node 22.12 or newer: install one from https://nodejs.org and try again (this is Node ${version}).\n`
      )
    }
  )

  it.each(['22.12.0', '23.0.0', '24.21.0'])('takes Node %s', async version => {
    await using folder = await temporaryFolder()
    expect(await launch(await installIn(folder.dir), { version })).toMatchObject({ code: 0 })
  })

  it('names the Node that the package asks npm for', async () => {
    await using folder = await temporaryFolder()
    const { stderr } = await launch(await installIn(folder.dir), { version: '1.0.0' })
    expect(stderr).toContain(`Node ${manifest.engines.node.replace('>=', '')} or newer`)
  })
})

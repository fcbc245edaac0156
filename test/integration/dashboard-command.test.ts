import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Command, startNode, temporaryFolder, type Finished } from '../support/command.ts'
import { postJson, send } from '../support/dashboard.ts'
import { until } from '../support/until.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let node: Command
let url = ''
beforeAll(async () => {
  folder = await temporaryFolder()
  node = startNode(folder.dir)
  await node.listening()
  const control = await readFile(path.join(folder.dir, 'control.json'), 'utf8')
  ;({ url } = JSON.parse(control) as { url: string })
})
afterAll(async () => {
  await node[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

const dashboard = (args: string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Finished> =>
  new Command(['dashboard', ...args, '--data-dir', folder.dir], { env }).finished

describe('waystation dashboard', () => {
  it('prints a link alone, which opens a session', async () => {
    const { code, stdout, stderr } = await dashboard()
    expect(code).toBe(0)
    expect(stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/open#[\w-]{22}\n$/)
    expect(stdout.startsWith(`${url}/open#`)).toBe(true)
    expect(stderr).toContain('it works once')

    const answer = await postJson(`${url}/session`, { code: stdout.trim().split('#')[1] })
    const [cookie = ''] = (answer.headers['set-cookie']?.[0] ?? '').split(';')
    const { value } = JSON.parse(answer.body) as { value: { key: string } }
    const headers = { cookie, 'x-waystation-key': value.key }
    expect((await postJson(`${url}/api/status`, {}, { headers })).status).toBe(200)
  })

  it('prints it for programs, and nothing else', async () => {
    const { code, stdout, stderr } = await dashboard(['--json'])
    expect(code).toBe(0)
    const { built, ...link } = JSON.parse(stdout) as { url: string; expiresAt: string; built: boolean }
    expect(link.url.startsWith(`${url}/open#`)).toBe(true)
    expect(Date.parse(link.expiresAt)).toBeGreaterThan(Date.now())
    // Whether this checkout was built is no matter of this test, what is said of it is.
    expect(stderr).toEqual(built ? '' : expect.stringContaining('npm run build'))
    const page = await send(`${url}/open`, { headers: { accept: 'text/html' } })
    expect(page.status).toBe(built ? 200 : 503)
  })

  it.runIf(process.platform === 'linux')("opens it with the system's browser", async () => {
    const bin = path.join(folder.dir, 'bin')
    const opened = path.join(folder.dir, 'opened')
    await mkdir(bin)
    await writeFile(path.join(bin, 'xdg-open'), `#!/bin/sh\nprintf '%s\\n' "$#" "$@" > "${opened}"\n`)
    await chmod(path.join(bin, 'xdg-open'), 0o755)
    const { code, stdout } = await dashboard(['--open'], { PATH: `${bin}:${process.env['PATH']}` })
    expect(code).toBe(0)
    await until('it was opened', async () => (await readFile(opened, 'utf8').catch(() => '')) !== '')
    expect(await readFile(opened, 'utf8')).toBe(`1\n${stdout.trim()}\n`)
  })

  it.runIf(process.platform === 'linux')(
    'says where there is none, and prints the link all the same',
    async () => {
      const { code, stdout, stderr } = await dashboard(['--open'], { PATH: '/nowhere' })
      expect(code).toBe(1)
      expect(stdout).toMatch(/\/open#[\w-]{22}\n$/)
      expect(stderr).toContain('xdg-open is missing')
    }
  )

  it('leaves nothing of the link in the log of the node', async () => {
    const { stdout } = await dashboard()
    const code = stdout.trim().split('#')[1] ?? ''
    await postJson(`${url}/session`, { code })
    expect(code).toHaveLength(22)
    expect(node.stdout).not.toContain(code)
  })
})

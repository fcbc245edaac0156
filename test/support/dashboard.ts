import { mkdir, writeFile } from 'node:fs/promises'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import path from 'node:path'
import { startControlHttp, type ControlHttpOptions } from '../../app/main/api/control-http.ts'
import type { DashboardLink } from '../../app/main/api/dashboard/routes.ts'
import { createApp } from './app.ts'
import { temporaryFolder } from './command.ts'

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

export interface Sent {
  method?: string
  headers?: Record<string, string | string[]>
  body?: string
  /** The certificate to trust, PEM, and the name to ask for. */
  ca?: string
  servername?: string
}

/** fetch hides Host, Origin and cookies from us, and tidies paths up; this sends what it is told. */
export function send(
  url: string,
  { method = 'GET', headers = {}, body, ca, servername }: Sent = {}
): Promise<Answer> {
  const { protocol, hostname, port } = new URL(url)
  // As it was written, ../ and all.
  const target = url.slice(new URL(url).origin.length) || '/'
  const request = protocol === 'https:' ? httpsRequest : httpRequest
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  return new Promise((resolve, reject) => {
    const options = { host, port, path: target, method, headers, ca, servername, agent: false as const }
    const sent = request(options, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text })
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** What a build of the renderer leaves, in small. */
export const PAGES = {
  'index.html': '<!doctype html><script type="module" src="./assets/index-aaaa.js"></script>',
  'open.html':
    '<!doctype html><link rel="icon" href="./icon.svg"><link rel="modulepreload" href="./assets/shared-cccc.js"><script type="module" src="./assets/open-bbbb.js"></script>',
  'icon.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
  'assets/index-aaaa.js': 'export const page = 1',
  'assets/open-bbbb.js': 'export const open = 1',
  'assets/shared-cccc.js': 'export const shared = 1'
} as const

export async function writePages(dir: string): Promise<string> {
  for (const [name, text] of Object.entries(PAGES)) {
    await mkdir(path.dirname(path.join(dir, name)), { recursive: true })
    await writeFile(path.join(dir, name), text)
  }
  return dir
}

export interface SignedIn {
  /** `name=value` */
  cookie: string
  key: string
  /** Both halves, as the page sends them. */
  headers: Record<string, string>
}

/** A real node with its control API and a dashboard of a few pages, on a port of its own. */
export async function startDashboard({
  built = true,
  ...options
}: Partial<ControlHttpOptions> & { built?: boolean } = {}) {
  const folder = await temporaryFolder()
  const { app, logTail } = createApp(path.join(folder.dir, 'data'), { 'control.enabled': false })
  await app.start()
  const rendererDir = path.join(folder.dir, 'renderer')
  if (built) await writePages(rendererDir)
  const logged: string[] = []
  const say = (message: string): void => void logged.push(message)
  const log = { error: (_: object, message: string) => say(message), warn: say, info: say }
  const open = (token: string) =>
    startControlHttp(
      { api: app.api, events: app.events, metrics: app.figures.metrics, token, log },
      { host: '127.0.0.1', port: 0, rendererDir, ...options }
    )
  const token = 'an-owner-has-this-token-and-nobody-else-has'
  const close = async (): Promise<void> => {
    await app.stop()
    await folder[Symbol.asyncDispose]()
  }
  let http = await open(token).catch(async (error: unknown) => {
    await close()
    throw error
  })

  return {
    app,
    logTail,
    logged,
    token,
    rendererDir,
    get url() {
      return http.url
    },
    get http() {
      return http
    },
    /** As the node's restart does: nothing but the token is left. */
    async restart(newToken = token): Promise<void> {
      await http.stop()
      http = await open(newToken)
    },
    async link(more: Sent = {}): Promise<DashboardLink> {
      const headers = { authorization: `Bearer ${token}` }
      const answer = await send(`${http.url}/api/openDashboard`, { method: 'POST', headers, ...more })
      return (JSON.parse(answer.body) as { value: DashboardLink }).value
    },
    async signIn(more: Sent = {}): Promise<SignedIn> {
      const [, code = ''] = (await this.link(more)).url.split('#')
      const answer = await postJson(`${http.url}/session`, { code }, more)
      const [cookie = ''] = (answer.headers['set-cookie']?.[0] ?? '').split(';')
      const { value } = JSON.parse(answer.body) as { value: { key: string } }
      return { cookie, key: value.key, headers: { cookie, 'x-waystation-key': value.key } }
    },
    async [Symbol.asyncDispose]() {
      await http.stop()
      await close()
    }
  }
}

export type TestDashboard = Awaited<ReturnType<typeof startDashboard>>

export function postJson(url: string, body: unknown, { headers, ...more }: Sent = {}): Promise<Answer> {
  return send(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    ...more
  })
}

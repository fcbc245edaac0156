import { createHash } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface UpdateServer {
  url: string
  /** What is served, by path; changed while it runs. */
  files: Map<string, Buffer | string>
  requests: { path: string; headers: IncomingHttpHeaders }[]
  close: () => Promise<void>
}

/** A place of publication, as the generic provider of electron-updater expects it: plain files. */
export async function startUpdateServer(): Promise<UpdateServer> {
  const files: UpdateServer['files'] = new Map()
  const requests: UpdateServer['requests'] = []
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    requests.push({ path: pathname, headers: request.headers })
    const content = files.get(decodeURIComponent(pathname))
    if (content === undefined) return response.writeHead(404).end('not found')
    response.writeHead(200, { 'content-length': Buffer.byteLength(content) }).end(content)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    files,
    requests,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}

/** latest-linux.yml, as electron-builder writes it. */
export function latestYml(version: string, name: string, content: Buffer): string {
  const sha512 = createHash('sha512').update(content).digest('base64')
  return [
    `version: ${version}`,
    'files:',
    `  - url: ${name}`,
    `    sha512: ${sha512}`,
    `    size: ${content.length}`,
    `path: ${name}`,
    `sha512: ${sha512}`,
    "releaseDate: '2026-11-21T12:00:00.000Z'",
    ''
  ].join('\n')
}

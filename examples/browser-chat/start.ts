// A relay of its own and the page, on this machine, until Ctrl-C.
//
//   npm run example:browser          (npm run example:browser -- --port 8080)
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { build, type Rolldown } from 'vite'

const { values } = parseArgs({ options: { port: { type: 'string', default: '5180' } } })
const folder = await mkdtemp(path.join(tmpdir(), 'waystation-browser-chat-'))

// The relay with its defaults, but for what a relay that runs here already has taken: its folder and its ports.
const ports = ['--port', '0', '--ws-port', '0', '--webrtc-direct-port', '0', '--http-port', '0']
const relay = spawn(
  process.execPath,
  ['app/main/cli.ts', '--no-gui', '--data-dir', folder, ...ports, '--no-control-enabled'],
  { cwd: path.resolve(import.meta.dirname, '../..'), stdio: ['ignore', 'pipe', 'inherit'] }
)
let stopping = false
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    stopping = true
    relay.kill(signal)
  })
// However this ends, the relay does not stay behind.
process.on('exit', () => relay.kill())
relay.once('exit', code => {
  if (!stopping) console.error('The relay ended.')
  void rm(folder, { recursive: true, force: true }).then(() => process.exit(stopping ? 0 : code))
})

const relayOrigin = new URL(await relayPages()).origin
const files = await buildPage()
const server = createServer((request, response) => {
  const { pathname, search } = new URL(request.url ?? '/', 'http://page')
  // The page asks for its relay where it came from.
  if (pathname.startsWith('/api/')) void pass(`${relayOrigin}${pathname}${search}`, response)
  else give(pathname === '/' ? 'index.html' : pathname.slice(1), response)
})
await once(server.listen(Number(values.port)), 'listening')
const { port } = server.address() as AddressInfo
console.log(`
Open one of these, and the link that it shows in another browser or tab:

  on this machine      http://localhost:${port}/
  from your network    ${networkAddress() ?? 'this machine is in none'}

The relay is gone when this ends. To stop: Ctrl-C
`)

/** Where the relay's public pages are, once it listens. */
async function relayPages(): Promise<string> {
  for await (const line of createInterface({ input: relay.stdout })) {
    const { msg, identity } = JSON.parse(line) as { msg: string; identity?: string[] }
    const url = identity?.find(each => new URL(each).hostname === 'localhost') ?? identity?.[0]
    if (msg !== 'listening' || url === undefined) continue
    relay.stdout.resume()
    return url
  }
  throw new Error('The relay did not start.')
}

async function buildPage(): Promise<Map<string, string | Uint8Array>> {
  process.env['VITE_RELAY'] = '/'
  const result = await build({
    root: import.meta.dirname,
    configFile: false,
    logLevel: 'error',
    build: { write: false, target: 'es2022' }
  })
  const { output } = result as Rolldown.RolldownOutput
  return new Map(output.map(file => [file.fileName, file.type === 'chunk' ? file.code : file.source]))
}

function give(name: string, response: ServerResponse): void {
  const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }
  const file = files.get(name)
  response.statusCode = file === undefined ? 404 : 200
  response.setHeader('content-type', `${types[path.extname(name)] ?? 'text/plain'}; charset=utf-8`)
  response.end(file ?? 'There is nothing here.')
}

async function pass(url: string, response: ServerResponse): Promise<void> {
  try {
    const answer = await fetch(url)
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' })
    response.end(await answer.text())
  } catch {
    response.writeHead(502).end('The relay does not answer.')
  }
}

function networkAddress(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap(each => each ?? [])
  const found = addresses.find(({ internal, family }) => !internal && family === 'IPv4')
  return found && `http://${found.address}:${port}/`
}

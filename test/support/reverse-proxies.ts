import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { connect, createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import { findProgram } from './needs.ts'
import { ROOT } from './package.ts'
import { until } from './until.ts'

/** nginx and Caddy by the files in resources/: what is run differs from what is shipped in ports, paths and names alone. */

export interface ReverseProxyOptions {
  /** For its files. */
  dir: string
  /** Where the node's WebSocket and its public pages are, on 127.0.0.1. */
  websocketPort: number
  pagesPort: number
  /** For localhost and its IP addresses. */
  certificate: { chain: string; key: string }
}

export class ReverseProxy {
  /** Of HTTPS and secure WebSocket, on 127.0.0.1 and ::1. */
  readonly port: number
  /** Of plain HTTP. */
  readonly plainPort: number
  readonly child: ChildProcess

  private constructor(child: ChildProcess, ports: { port: number; plainPort: number }) {
    this.child = child
    this.port = ports.port
    this.plainPort = ports.plainPort
  }

  /** Starts the program, and waits until it listens. */
  static async start(program: string, args: string[], dir: string, ports: Ports): Promise<ReverseProxy> {
    // Caddy keeps its state there.
    const env = { ...process.env, HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir }
    const child = spawn(program, args, { cwd: dir, env, stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr?.on('data', (text: Buffer) => (said += text.toString()))
    await until(`${program} listens`, async () => {
      if (child.exitCode !== null) throw new Error(`${program} ended: ${said}`)
      return (await answers(ports.port, '127.0.0.1')) && (await answers(ports.port, '::1'))
    })
    return new ReverseProxy(child, ports)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null) return
    const gone = once(this.child, 'exit')
    this.child.kill('SIGTERM')
    await gone
  }
}

// Debian has it where not everybody's PATH leads.
export const NGINX = findProgram('nginx', '../sbin/nginx')
export const CADDY = findProgram('caddy')

export async function startNginx(options: ReverseProxyOptions): Promise<ReverseProxy> {
  const { dir, certificate } = options
  const ports = await freePorts()
  const site = adapted(await shipped('nginx/waystation.conf'), {
    'listen 80;': `listen 127.0.0.1:${ports.plainPort};`,
    'listen [::]:80;': `listen [::1]:${ports.plainPort};`,
    'listen 443 ssl;': `listen 127.0.0.1:${ports.port} ssl;`,
    'listen [::]:443 ssl;': `listen [::1]:${ports.port} ssl;`,
    '/etc/letsencrypt/live/relay.example/fullchain.pem': certificate.chain,
    '/etc/letsencrypt/live/relay.example/privkey.pem': certificate.key,
    'relay.example': 'localhost',
    '/var/www/html': dir,
    '127.0.0.1:4003': `127.0.0.1:${options.websocketPort}`,
    '127.0.0.1:4002': `127.0.0.1:${options.pagesPort}`
  })
  await mkdir(dir, { recursive: true })
  await writeFile(path.join(dir, 'site.conf'), site)
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const paths = folders.map(name => `${name}_temp_path ${path.join(dir, name)};`)
  // As Debian's nginx.conf has the sites in it.
  const main = `
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    worker_processes 2;
    pid ${path.join(dir, 'nginx.pid')};
    daemon off;
    error_log stderr warn;
    events { worker_connections 768; }
    http { ${paths.join(' ')} gzip on; include ${path.join(dir, 'site.conf')}; }`
  await writeFile(path.join(dir, 'nginx.conf'), main)
  return ReverseProxy.start(
    NGINX!,
    ['-p', dir, '-e', 'stderr', '-c', path.join(dir, 'nginx.conf')],
    dir,
    ports
  )
}

export async function startCaddy(options: ReverseProxyOptions): Promise<ReverseProxy> {
  const { dir, certificate } = options
  const ports = await freePorts()
  const site = adapted(await shipped('caddy/Caddyfile'), {
    'relay.example {': `localhost, 127.0.0.1, [::1] {\n\ttls ${certificate.chain} ${certificate.key}`,
    '127.0.0.1:4003': `127.0.0.1:${options.websocketPort}`,
    '127.0.0.1:4002': `127.0.0.1:${options.pagesPort}`
  })
  const main = `{
    admin off
    http_port ${ports.plainPort}
    https_port ${ports.port}
    default_bind 127.0.0.1 [::1]
  }
  ${site}`
  await mkdir(dir, { recursive: true })
  await writeFile(path.join(dir, 'Caddyfile'), main)
  return ReverseProxy.start(CADDY!, ['run', '--config', path.join(dir, 'Caddyfile')], dir, ports)
}

const shipped = (file: string): Promise<string> => readFile(path.join(ROOT, 'resources', file), 'utf8')

/** Every place of each text replaced, in the given order. A text that is not there is a mistake. */
function adapted(text: string, replaced: Record<string, string>): string {
  return Object.entries(replaced).reduce((before, [from, to]) => {
    if (!before.includes(from)) throw new Error(`the file no longer has: ${from}`)
    return before.replaceAll(from, to)
  }, text)
}

interface Ports {
  port: number
  plainPort: number
}

async function freePorts(): Promise<Ports> {
  const servers = [createServer(), createServer()]
  const [port = 0, plainPort = 0] = await Promise.all(
    servers.map(async server => {
      server.listen(0, '::')
      await once(server, 'listening')
      return (server.address() as AddressInfo).port
    })
  )
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
  return { port, plainPort }
}

async function answers(port: number, host: string): Promise<boolean> {
  const socket = connect(port, host)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer as createHttps, get, type Server } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import { multiaddr } from '@multiformats/multiaddr'
import { peerIdFromString } from '@libp2p/peer-id'
import { base36 } from 'multiformats/bases/base36'
import { Authority } from './authority.ts'
import { createPlainClient } from './clients.ts'
import { PeerIdAuthServer } from './peer-id-auth.ts'
import { until } from './until.ts'

export interface Registration {
  peer: string
  addresses: string[]
}

/**
 * What ws.autoTls speaks to, on 127.0.0.1: Let's Encrypt's test server (pebble) with the DNS server of its own, and a
 * stand-in for the forge, which proves who asks, dials back, and then puts the answer to the challenge into that DNS.
 */
export class AcmeWorld {
  readonly domain = 'forge.example'
  readonly registrations: Registration[] = []
  /** What the forge says to everyone, in the place of taking them. */
  refusal: string | undefined
  readonly #ports: Ports
  readonly #ca: { cert: string; file: string }
  readonly #children: ChildProcess[]
  readonly #forge: Server
  readonly #auth: PeerIdAuthServer

  private constructor(
    ports: Ports,
    ca: { cert: string; file: string },
    children: ChildProcess[],
    auth: PeerIdAuthServer,
    tls: { cert: Buffer; key: Buffer }
  ) {
    this.#ports = ports
    this.#ca = ca
    this.#children = children
    this.#auth = auth
    this.#forge = createHttps(tls, (request, response) => {
      this.#answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
    })
  }

  /** Certificates are good for that long. */
  static async open(dir: string, validSeconds: number): Promise<AcmeWorld> {
    await mkdir(dir, { recursive: true })
    const ports = await freePorts()
    const authority = await Authority.create(dir)
    const { chain, key } = await authority.issue('localhost', ['DNS:localhost', 'IP:127.0.0.1'])
    const caFile = path.join(dir, 'ca.pem')
    const config = path.join(dir, 'pebble.json')
    const listen = (port: number): string => `127.0.0.1:${port}`
    const pebble = {
      listenAddress: listen(ports.acme),
      managementListenAddress: listen(ports.acmeManagement),
      certificate: chain,
      privateKey: key,
      httpPort: ports.unused,
      tlsPort: ports.unused,
      certificateValidityPeriod: validSeconds
    }
    await writeFile(config, JSON.stringify({ pebble }))
    const dns = ['-dns01', listen(ports.dns), '-management', listen(ports.dnsManagement)]
    const none = ['-http01', '', '-https01', '', '-tlsalpn01', '']
    const children = [
      run('pebble-challtestsrv', [...dns, ...none]),
      run('pebble', ['-config', config, '-dnsserver', listen(ports.dns)])
    ]
    const tls = { cert: await readFile(chain), key: await readFile(key) }
    const ca = { cert: authority.cert, file: caFile }
    const world = new AcmeWorld(ports, ca, children, await PeerIdAuthServer.create(), tls)
    world.#forge.listen(ports.forge, '127.0.0.1')
    await until('pebble answers', async () => (await world.#get(world.acme).catch(() => '')) !== '', 20)
    return world
  }

  get acme(): string {
    return `https://localhost:${this.#ports.acme}/dir`
  }

  get forge(): string {
    return `https://localhost:${this.#ports.forge}`
  }

  /** Settings of a node, and what its process needs to trust them. */
  get flags(): string[] {
    const places = ['--auto-tls-forge', this.forge, '--auto-tls-acme', this.acme]
    return ['--ws-auto-tls', '--auto-tls-domain', this.domain, ...places]
  }

  get env(): NodeJS.ProcessEnv {
    return { NODE_EXTRA_CA_CERTS: this.#ca.file }
  }

  /** The root that signs what pebble gives out; another one at each start. */
  root(): Promise<string> {
    return this.#get(`https://localhost:${this.#ports.acmeManagement}/roots/0`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#forge.closeAllConnections()
    this.#forge.close()
    for (const child of this.#children) {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url !== '/v1/_acme-challenge') return void response.writeHead(404).end()
    const { host = '', authorization = '' } = request.headers
    const { headers, peer } = await this.#auth.answer(host, authorization)
    if (peer === undefined) return void response.writeHead(401, headers).end()
    if (request.method !== 'POST') return void response.writeHead(400).end('Only POST method is allowed.')
    if (this.refusal !== undefined) return void response.writeHead(400).end(this.refusal)
    const { Value: value, Addresses: addresses } = JSON.parse(await bodyOf(request)) as {
      Value: string
      Addresses: string[]
    }
    if (Buffer.from(value, 'base64url').length !== 32)
      return void response.writeHead(400).end('value is not a base64url of a SHA256 digest')
    await dialBack(peer, addresses)
    this.registrations.push({ peer, addresses })
    const name = `_acme-challenge.${base36.encode(peerIdFromString(peer).toCID().bytes)}.${this.domain}.`
    await fetch(`http://127.0.0.1:${this.#ports.dnsManagement}/set-txt`, {
      method: 'POST',
      body: JSON.stringify({ host: name, value })
    })
    response.writeHead(200).end()
  }

  #get(url: string): Promise<string> {
    return new Promise((resolve, reject) => {
      get(url, { ca: this.#ca.cert }, response => void bodyOf(response).then(resolve, reject)).on(
        'error',
        reject
      )
    })
  }
}

/** As the forge does, but here the public address is this machine. @throws where nobody answers as that peer */
async function dialBack(peer: string, addresses: readonly string[]): Promise<void> {
  await using client = await createPlainClient()
  const here = addresses.map(address => multiaddr(address.replace(/^\/ip4\/[^/]+/, '/ip4/127.0.0.1')))
  const connection = await client.dial(here, { signal: AbortSignal.timeout(10_000) })
  if (connection.remotePeer.toString() !== peer) throw new Error('another peer answered')
}

function run(program: string, args: readonly string[]): ChildProcess {
  const env = { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_AUTHZREUSE: '0' }
  return spawn(program, args, { stdio: 'ignore', env })
}

async function bodyOf(stream: IncomingMessage): Promise<string> {
  return Buffer.concat(await stream.toArray()).toString()
}

const PORTS = ['acme', 'acmeManagement', 'dns', 'dnsManagement', 'forge', 'unused'] as const
type Ports = Record<(typeof PORTS)[number], number>

async function freePorts(): Promise<Ports> {
  const servers = await Promise.all(
    PORTS.map(async name => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return [name, server] as const
    })
  )
  const ports = servers.map(([name, server]) => [name, (server.address() as AddressInfo).port])
  for (const [, server] of servers) server.close()
  return Object.fromEntries(ports) as Ports
}

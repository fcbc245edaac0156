import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pmpNat, upnpNat, type Gateway } from '@achingbrain/nat-port-mapper'
import { identify } from '@libp2p/identify'
import { start, stop } from '@libp2p/interface'
import type { AddressManager } from '@libp2p/interface-internal'
import { uPnPNAT, type UPnPNATComponents } from '@libp2p/upnp-nat'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createPlainClient, type Client } from '../support/clients.ts'

/**
 * Why app/main/relay/mapping gives @libp2p/upnp-nat a client and an address manager of its own, and how it holds
 * @achingbrain/nat-port-mapper. A failure says: look there again.
 */

const nodes: Client[] = []
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.stop()
})

describe('@libp2p/upnp-nat', () => {
  it('asks a gateway for each port once, and only logs what is refused', async () => {
    const gateway = fakeGateway(async () => {
      throw new Error('Code 606 - Action not authorized')
    })
    const { service, changed } = await upnpOn(gateway)
    await start(service)
    await vi.waitFor(() => expect(gateway.asked).toEqual([4001]), 20_000)

    // A refused port is tried again at the next change of the node's own addresses, and never by itself.
    changed()
    await vi.waitFor(() => expect(gateway.asked).toEqual([4001, 4001]), 20_000)
    await stop(service)
  })

  it('never asks again for a port that a gateway has forwarded once, and leaves its address at the stop', async () => {
    const gateway = fakeGateway(async () => mapping)
    const { service, changed, added, removed, looked } = await upnpOn(gateway)
    await start(service)
    await vi.waitFor(() => expect(added).toEqual(['5.6.7.1:4001']), 20_000)

    const before = looked()
    changed()
    await vi.waitFor(() => expect(looked()).toBeGreaterThan(before), 20_000)
    await stop(service)

    expect(gateway.asked).toEqual([4001])
    expect(removed).toEqual([])
    expect(gateway.stopped).toBe(1)
  })
})

describe('libp2p', () => {
  it('lists a mapping twice that is added twice', async () => {
    const { addressManager } = await nodeComponents()
    const [own] = addressManager.getAddressesWithMetadata()
    const port = Number(own?.multiaddr.getComponents().find(({ name }) => name === 'tcp')?.value)
    for (let i = 0; i < 2; i++)
      addressManager.addPublicAddressMapping('127.0.0.1', port, '5.6.7.1', port, 'tcp')
    const mapped = addressManager.getAddressesWithMetadata().filter(({ type }) => type === 'ip-mapping')
    expect(mapped).toHaveLength(2)
    expect(mapped.map(({ verified }) => verified)).toEqual([false, false])
  })

  it('hides what it listens on from upnp-nat where addresses are announced', async () => {
    const { addressManager } = await nodeComponents(['/ip4/5.6.7.8/tcp/4001'])
    expect(addressManager.getAddressesWithMetadata().map(({ type }) => type)).toEqual(['announce'])
  })

  it('has components that a copy loses', async () => {
    const components = await nodeComponents()
    expect(components.logger).toBeDefined()
    expect({ ...components }.logger).toBeUndefined()
  })
})

describe('UPnP by @achingbrain/nat-port-mapper', () => {
  it('takes no gateway of version 1', async () => {
    const { url } = await igd('InternetGatewayDevice:1', 'WANIPConnection:1')
    await expect(upnpNat().getGateway(url)).rejects.toThrow(/Device type was not/)
  })

  it('removes a mapping by its internal port and without its protocol, which routers refuse', async () => {
    const { url, bodies } = await igd('InternetGatewayDevice:2', 'WANIPConnection:2')
    const gateway = await upnpNat({ autoRefresh: false }).getGateway(url)
    await gateway.map(4001, '5.6.7.8', { externalPort: 5001, protocol: 'UDP' })
    await gateway.unmap(4001)
    const removal = bodies.find(body => body.includes('DeletePortMapping'))
    expect(removal).toContain('<NewExternalPort>4001</NewExternalPort>')
    expect(removal).toContain('<NewProtocol></NewProtocol>')
  })

  it('keeps a lease for no less than an hour, whatever it is told', async () => {
    const { url, bodies } = await igd('InternetGatewayDevice:2', 'WANIPConnection:2')
    const gateway = await upnpNat({ autoRefresh: false }).getGateway(url)
    await gateway.map(4001, '5.6.7.8', { ttl: 60_000 })
    expect(bodies.join()).toContain('<NewLeaseDuration>3600</NewLeaseDuration>')
  })
})

describe('NAT-PMP by @achingbrain/nat-port-mapper', () => {
  it('writes its ttl of milliseconds into the field for seconds, and asks for no other external port', async () => {
    const { gateway, sent } = await pmp()
    map(gateway, { ttl: 3_600_000, externalPort: 5001 })
    const [request] = sent
    expect(request?.readUInt32BE(8)).toBe(3_600_000)
    expect(request?.readUInt16BE(6)).toBe(4001)
  })

  it('sends nothing more after a request that nobody answered', async () => {
    const { gateway, sent } = await pmp()
    await expect(gateway.externalIp({ signal: AbortSignal.timeout(10) })).rejects.toThrow()
    await expect(gateway.externalIp({ signal: AbortSignal.timeout(10) })).rejects.toThrow()
    expect(sent).toHaveLength(1)
  })

  it('throws in its socket at an answer that is cut short', async () => {
    const { gateway } = await pmp()
    map(gateway)
    expect(() => gateway.onMessage(Buffer.of(0), { address: '127.0.0.1', port: 5351 })).toThrow(RangeError)
  })

  it('takes the answer of anyone', async () => {
    const { gateway } = await pmp()
    const answered = gateway.map(4001, '', { autoRefresh: false })
    const answer = Buffer.alloc(16)
    answer.writeUInt8(130, 1)
    answer.writeUInt16BE(6666, 10)
    gateway.onMessage(answer, { address: '5.6.7.66', port: 1 })
    expect((await answered).externalPort).toBe(6666)
  })

  it('ends the process at an error of its socket that nobody listens for', async () => {
    const { gateway } = await pmp()
    expect(() => gateway.onError(new Error('no way out'))).toThrow('no way out')
  })
})

const mapping = {
  externalHost: '5.6.7.1',
  externalPort: 4001,
  internalHost: '192.168.1.2',
  internalPort: 4001,
  protocol: 'TCP'
} as const

function fakeGateway(map: () => ReturnType<Gateway['map']>): Gateway & { asked: number[]; stopped: number } {
  const gateway = {
    asked: [] as number[],
    stopped: 0,
    id: 'gateway',
    host: '192.168.1.1',
    port: 0,
    family: 'IPv4' as const,
    externalIp: async () => '5.6.7.1',
    map: async (port: number) => {
      gateway.asked.push(port)
      return map()
    },
    mapAll: () => {
      throw new Error('not asked for')
    },
    unmap: async () => {},
    stop: async () => void gateway.stopped++
  }
  return gateway
}

/** upnp-nat for a node that listens on one private address. */
async function upnpOn(gateway: Gateway) {
  const { peerId, nodeInfo, logger, events } = await nodeComponents()
  const added: string[] = []
  const removed: string[] = []
  const own = {
    multiaddr: multiaddr('/ip4/192.168.1.2/tcp/4001'),
    type: 'transport',
    verified: true,
    expires: 0
  }
  const getAddressesWithMetadata = vi.fn(() => [own])
  const addressManager = {
    getAddressesWithMetadata,
    addPublicAddressMapping: (_: string, __: number, ip: string, port?: number) =>
      void added.push(`${ip}:${port}`),
    removePublicAddressMapping: (_: string, __: number, ip: string) => void removed.push(ip)
  } as unknown as AddressManager
  const portMappingClient = {
    findGateways: async function* () {
      yield gateway
    },
    getGateway: async () => gateway
  }
  const service = uPnPNAT({ portMappingClient })({ peerId, nodeInfo, logger, events, addressManager })
  const changed = (): void => void events.dispatchEvent(new CustomEvent('self:peer:update'))
  return { service, changed, added, removed, looked: () => getAddressesWithMetadata.mock.calls.length }
}

async function nodeComponents(announce: string[] = []): Promise<UPnPNATComponents> {
  let seen: UPnPNATComponents | undefined
  const node = await createPlainClient({
    options: {
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'], announce },
      services: {
        identify: identify(),
        probe: (components: UPnPNATComponents) => {
          seen = components
          return {}
        }
      }
    }
  })
  nodes.push(node)
  if (seen === undefined) throw new Error('no components')
  return seen
}

/** A gateway's description and its actions, on this machine. */
async function igd(device: string, service: string): Promise<{ url: URL; bodies: string[] }> {
  const bodies: string[] = []
  const type = `urn:schemas-upnp-org:service:${service}`
  const description = `<root><device><deviceType>urn:schemas-upnp-org:device:${device}</deviceType><UDN>uuid:1</UDN>
    <serviceList><service><serviceType>${type}</serviceType><SCPDURL>/x</SCPDURL><controlURL>/ctl</controlURL></service>
    </serviceList></device></root>`
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (part: Buffer) => (body += part.toString()))
    request.on('end', () => {
      if (request.method === 'POST') bodies.push(body)
      const action = /#(\w+)/.exec(String(request.headers['soapaction']))?.[1]
      const answer = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><u:${action}Response><NewReservedPort>5001</NewReservedPort></u:${action}Response></s:Body></s:Envelope>`
      response.writeHead(200, { 'Content-Type': 'text/xml' }).end(action === undefined ? description : answer)
    })
  })
  await listen(server)
  onTestFinished(() => void server.close())
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/desc.xml`), bodies }
}

function listen(server: Server): Promise<void> {
  return new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
}

interface PmpSeams extends Gateway {
  socket: { send: (bytes: Buffer) => void; close: () => void; on: (event: string, run: () => void) => void }
  onMessage: (answer: Buffer, sender: { address: string; port: number }) => void
  onListening: () => void
  onError: (error: Error) => void
}

/** A NAT-PMP gateway whose socket is ours: what it sends. Its real one is closed. */
async function pmp(): Promise<{ gateway: PmpSeams; sent: Buffer[] }> {
  const gateway = pmpNat('127.0.0.1', { autoRefresh: false }) as unknown as PmpSeams
  await new Promise<void>(resolve => {
    gateway.socket.on('close', resolve)
    gateway.socket.close()
  })
  const sent: Buffer[] = []
  gateway.socket = { send: bytes => void sent.push(bytes), close: () => {}, on: () => {} }
  gateway.onListening()
  return { gateway, sent }
}

/** A request whose answer a test does not wait for. */
function map(gateway: Gateway, options: { ttl?: number; externalPort?: number } = {}): void {
  gateway.map(4001, '', { ...options, autoRefresh: false }).catch(() => {})
}

import { createSocket } from 'node:dgram'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * A UPnP router (version 1) that says what miniupnpd never does, in a process of its own: for what real routers are
 * known to answer. It forwards nothing. Each action it gets is a message to its parent, with which it ends.
 */

export interface IgdOptions {
  /** Its address in the local network. */
  address: string
  externalIp: string
  /** Faults by action: `{ AddPortMapping: 725 }`. */
  faults?: Record<string, number>
  /** External ports of other devices: asked for, it answers 718. */
  taken?: number[]
  /** 725 to any lease that ends. */
  onlyPermanent?: boolean
  /** Each action is answered after so long. */
  delayMs?: number
}

export interface IgdAction {
  action: string
  body: string
}

const DEVICE = 'urn:schemas-upnp-org:device:InternetGatewayDevice:1'
const SERVICE = 'urn:schemas-upnp-org:service:WANIPConnection:1'

if (process.argv[2] !== undefined) await serve(JSON.parse(process.argv[2]) as IgdOptions)

async function serve(options: IgdOptions): Promise<void> {
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => (body += text))
    request.on('end', () => {
      const action = /#(\w+)/.exec(String(request.headers['soapaction']))?.[1]
      const [status, answer] = action === undefined ? [200, DESCRIPTION] : answerTo(options, action, body)
      if (action !== undefined) process.send?.({ action, body } satisfies IgdAction)
      setTimeout(
        () => response.writeHead(status, { 'Content-Type': 'text/xml' }).end(answer),
        action === undefined ? 0 : (options.delayMs ?? 0)
      )
    })
  })
  await new Promise<void>(resolve => server.listen(0, options.address, resolve))
  const { port } = server.address() as AddressInfo
  const location = `http://${options.address}:${port}/igd.xml`
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  socket.on('message', (message, { address, port: to }) => {
    if (!message.toString().includes(DEVICE)) return
    const lines = ['HTTP/1.1 200 OK', 'EXT:', `ST: ${DEVICE}`, `LOCATION: ${location}`, 'USN: uuid:1']
    socket.send(`${lines.join('\r\n')}\r\n\r\n`, to, address)
  })
  await new Promise<void>(resolve => socket.bind(1900, options.address, resolve))
  process.on('disconnect', () => process.exit())
  process.send?.({ ready: true })
}

function answerTo(options: IgdOptions, action: string, body: string): [number, string] {
  const { faults = {}, taken = [], onlyPermanent = false } = options
  const fault = faults[action]
  if (fault !== undefined) return [500, faultOf(fault)]
  if (action === 'AddPortMapping') {
    if (taken.some(port => body.includes(`<NewExternalPort>${port}<`))) return [500, faultOf(718)]
    if (onlyPermanent && !body.includes('<NewLeaseDuration>0<')) return [500, faultOf(725)]
  }
  const said: Record<string, string> = {
    GetExternalIPAddress: `<NewExternalIPAddress>${options.externalIp}</NewExternalIPAddress>`
  }
  const inner = `<u:${action}Response xmlns:u="${SERVICE}">${said[action] ?? ''}</u:${action}Response>`
  return [200, `<?xml version="1.0"?><s:Envelope><s:Body>${inner}</s:Body></s:Envelope>`]
}

function faultOf(code: number): string {
  const error = `<UPnPError><errorCode>${code}</errorCode><errorDescription>NoWay</errorDescription></UPnPError>`
  return `<s:Envelope><s:Body><s:Fault><detail>${error}</detail></s:Fault></s:Body></s:Envelope>`
}

const DESCRIPTION = `<?xml version="1.0"?>
<root><device><deviceType>${DEVICE}</deviceType><deviceList><device><deviceList><device><serviceList>
<service><serviceType>${SERVICE}</serviceType><controlURL>/control</controlURL></service>
</serviceList></device></deviceList></device></deviceList></device></root>`

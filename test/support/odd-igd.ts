import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * A UPnP router (version 1) that says what miniupnpd never does: for what real routers are known to answer. It forwards
 * nothing, but remembers what it was asked to.
 */

export interface IgdOptions {
  /** Its address in the local network. */
  address: string
  externalIp: string
  /** Faults by action: `{ AddPortMapping: 725 }`. */
  faults?: Record<string, number>
  /** What it answers to all actions instead of UPnP's own: an HTTP status and a body. */
  odd?: [status: number, body: string]
  /** External ports of other devices: asked for, it answers 718, or that code. */
  taken?: number[]
  takenCode?: number
  /** 725 to any lease that ends. */
  onlyPermanent?: boolean
  /** It has a firewall for IPv6 that it opens. */
  pinholes?: boolean
  /** Each action is answered after so long. */
  delayMs?: number
}

export interface IgdAction {
  action: string
  body: string
}

export const DEVICE = 'urn:schemas-upnp-org:device:InternetGatewayDevice:1'
const FORWARDING = 'urn:schemas-upnp-org:service:WANIPConnection:1'
const FIREWALL = 'urn:schemas-upnp-org:service:WANIPv6FirewallControl:1'

/** Listens on a free port; `close` ends it. */
export async function startOddIgd(
  options: IgdOptions,
  onAction: (action: IgdAction) => void
): Promise<{ location: URL; close: () => void }> {
  const forwarded = new Map<string, string>()
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => (body += text))
    request.on('end', () => {
      const action = /#(\w+)/.exec(String(request.headers['soapaction']))?.[1]
      const described: [number, string] = [200, descriptionOf(options)]
      const [status, answer] = action === undefined ? described : answerTo(options, forwarded, action, body)
      if (action !== undefined) onAction({ action, body })
      setTimeout(
        () => response.writeHead(status, { 'Content-Type': 'text/xml' }).end(answer),
        action === undefined ? 0 : (options.delayMs ?? 0)
      )
    })
  })
  await new Promise<void>(resolve => server.listen(0, options.address, resolve))
  const { port } = server.address() as AddressInfo
  return {
    location: new URL(`http://${options.address}:${port}/igd.xml`),
    close: () => {
      server.close()
      server.closeAllConnections()
    }
  }
}

type Answer = [status: number, body: string]

function answerTo(options: IgdOptions, forwarded: Map<string, string>, action: string, body: string): Answer {
  const { faults = {}, odd, taken = [], takenCode = 718, onlyPermanent = false } = options
  const fault = faults[action]
  if (odd !== undefined) return odd
  if (fault !== undefined) return [500, faultOf(fault)]
  const of = (name: string): string => new RegExp(`<${name}>([^<]*)<`).exec(body)?.[1] ?? ''
  const key = `${of('NewProtocol')} ${of('NewExternalPort')}`
  if (action === 'AddPortMapping') {
    if (taken.includes(Number(of('NewExternalPort')))) return [500, faultOf(takenCode)]
    if (onlyPermanent && of('NewLeaseDuration') !== '0') return [500, faultOf(725)]
    forwarded.set(key, `${of('NewInternalClient')} ${of('NewInternalPort')}`)
  }
  const entry = forwarded.get(key)
  if (/^(GetSpecific|Delete)Port/.test(action) && entry === undefined) return [500, faultOf(714)]
  if (action === 'DeletePortMapping') forwarded.delete(key)
  return [200, said(action, saidBy(options, action, entry))]
}

function saidBy({ externalIp }: IgdOptions, action: string, entry = ''): string {
  const [client = '', port = ''] = entry.split(' ')
  const all: Record<string, string> = {
    GetExternalIPAddress: `<NewExternalIPAddress>${externalIp}</NewExternalIPAddress>`,
    GetSpecificPortMappingEntry: `<NewInternalClient>${client}</NewInternalClient><NewInternalPort>${port}</NewInternalPort>`,
    AddPinhole: '<UniqueID>7</UniqueID>'
  }
  return all[action] ?? ''
}

function said(action: string, inner: string): string {
  return `<?xml version="1.0"?><s:Envelope><s:Body><u:${action}Response xmlns:u="${FORWARDING}">${inner}</u:${action}Response></s:Body></s:Envelope>`
}

function faultOf(code: number): string {
  const error = `<UPnPError><errorCode>${code}</errorCode><errorDescription>NoWay</errorDescription></UPnPError>`
  return `<s:Envelope><s:Body><s:Fault><detail>${error}</detail></s:Fault></s:Body></s:Envelope>`
}

function descriptionOf({ pinholes = false }: IgdOptions): string {
  const types = pinholes ? [FORWARDING, FIREWALL] : [FORWARDING]
  const services = types.map(
    type => `<service><serviceType>${type}</serviceType><controlURL>/control</controlURL></service>`
  )
  return `<?xml version="1.0"?>
<root><device><deviceType>${DEVICE}</deviceType><deviceList><device><deviceList><device><serviceList>
${services.join('\n')}
</serviceList></device></deviceList></device></deviceList></device></root>`
}

import { request } from 'node:http'
import { CAUSES, MappingError } from './causes.ts'

/** Actions of UPnP services (UPnP Device Architecture 1.1, section 3.2). */

const MOST_BYTES = 256 * 1024
/** WANIPConnection:2, section 2.5: conflict, only same ports, another mechanism has it. */
const CONFLICTS: readonly number[] = [718, 724, 729]

export interface Service {
  type: string
  control: URL
}

/** One action: the body of its answer. @throws MappingError */
export async function call(
  { type, control }: Service,
  action: string,
  args: Record<string, string | number>,
  way: Pick<HttpRequest, 'localAddress' | 'signal' | 'connectTo'>
): Promise<string> {
  const list = Object.entries(args).map(([name, value]) => `<${name}>${value}</${name}>`)
  const body =
    '<?xml version="1.0"?>\r\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ' +
    's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>' +
    `<u:${action} xmlns:u="${type}">${list.join('')}</u:${action}></s:Body></s:Envelope>\r\n`
  const headers = {
    'Content-Type': 'text/xml; charset="utf-8"',
    SOAPAction: `"${type}#${action}"`,
    ...(way.connectTo !== undefined && { Host: `[${way.connectTo.split('%')[0]}]:${control.port || 80}` })
  }
  const answer = await http(control, { method: 'POST', headers, body, ...way })
  if (answer.status === 200) return answer.body
  throw faultOf(answer.body, answer.status)
}

/** The error that a failed action's answer tells of. */
export function faultOf(body: string, status: number): MappingError {
  const code = Number(tag(body, 'errorCode') ?? Number.NaN)
  if (!Number.isInteger(code)) return new MappingError('refused', `HTTP status ${status}`)
  // It came from the network, and goes into a state and a log.
  const said = (tag(body, 'errorDescription') ?? '').replace(/[^\w .,()-]/g, '').slice(0, 80)
  const message = `UPnP code ${code}${said === '' ? '' : `, ${said}`}`
  return new MappingError(CONFLICTS.includes(code) ? 'conflict' : 'refused', message, code)
}

/** The router's own code; 0 where it gave none. */
export function gatewayCodeOf(error: unknown): number {
  return error instanceof MappingError ? (error.gatewayCode ?? 0) : 0
}

/** The text of the first element of that name, with or without a namespace. */
export function tag(xml: string, name: string): string | undefined {
  return new RegExp(`<(?:\\w+:)?${name}(?:\\s[^<>]*)?>([^<]*)<`).exec(xml)?.[1]?.trim()
}

interface HttpRequest {
  method: 'GET' | 'POST'
  localAddress: string
  signal: AbortSignal
  /** In place of the URL's host: a link-local address with its zone, which no URL can name. */
  connectTo?: string | undefined
  headers?: Record<string, string>
  body?: string
}

/** Follows no redirection, and reads no more than a router has to say. Routers' own servers keep HTTP loosely. */
export async function http(
  url: URL,
  { method, localAddress, signal, connectTo, headers = {}, body = '' }: HttpRequest
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const failed = (cause: Error): void =>
      reject(new MappingError('no-answer', CAUSES['no-answer'], undefined, cause))
    const length = method === 'POST' ? { 'Content-Length': Buffer.byteLength(body) } : {}
    const bare = { method, localAddress, signal, agent: false, insecureHTTPParser: true }
    const options = connectTo === undefined ? bare : { ...bare, hostname: connectTo }
    const asked = request(
      url,
      { ...options, headers: { ...headers, ...length, Connection: 'close' } },
      response => {
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part
          if (text.length > MOST_BYTES) asked.destroy(new Error('the router says too much'))
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
        response.on('error', failed)
      }
    )
    asked.on('error', failed)
    asked.end(body)
  })
}

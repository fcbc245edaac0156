import { createHash, randomBytes } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Endpoint, TrustedProxies } from '../../../net/forwarded.ts'
import { ProxyHeaderError } from '../../../net/proxy-protocol.ts'
import type { RawDuct } from '../duct.ts'
import type { Prepared } from '../handshakes.ts'
import { clientByHeader } from '../proxied-duct.ts'
import type { WsBounds } from './bounds.ts'
import { linger, sendBytes, WsDuct } from './duct.ts'
import { listOf, NoHttp, only, readHead, Refusal, type Head } from './http-head.ts'

/** How two sides of a TCP connection agree on a WebSocket (RFC 6455, section 4). */

/** How long the other side may take until it is one. */
const TIMEOUT_MS = 10_000
const VERSION = '13'
/** 16 bytes in base64. */
const KEY = /^[+/0-9A-Za-z]{21}[AQgw]==$/
/** A host and a port as they may stand in a request. */
const HOST = /^(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(:\d+)?$/

/** Who is believed to be the client of a connection. */
export interface Provenance {
  peer: Endpoint
  /** Whose word is taken for it. */
  proxies: TrustedProxies
}

export interface AcceptOptions {
  /** What the WebSocket is held to. */
  bounds?: WsBounds | undefined
  /** Until it is a WebSocket. */
  timeoutMs?: number
}

/**
 * Answers one who dials. The path and the origin do not matter: whom we talk to is proved later.
 * @throws where the other side became none: it was answered, if it speaks HTTP, and the duct is over
 */
export async function acceptWebSocket(
  duct: RawDuct,
  { peer, proxies }: Provenance,
  signal: AbortSignal,
  { bounds, timeoutMs = TIMEOUT_MS }: AcceptOptions = {}
): Promise<Prepared & { raw: WsDuct }> {
  try {
    const { client, head } = await inTime(timeoutMs, signal, async both => ({
      client: proxies.has(peer.ip) ? await clientByHeader(duct, peer, both) : peer,
      head: await readHead(duct, both)
    }))
    const ip = proxies.clientOf(client.ip, head.fields.get('x-forwarded-for'))
    return { raw: answer(duct, head, bounds), client: { ...client, ip } }
  } catch (error) {
    await failed(duct, error, bounds)
    throw error
  }
}

/**
 * Answers a request that was read already, and that another may have answered.
 * @throws as `acceptWebSocket` does
 */
export async function answerWebSocket(duct: RawDuct, head: Head, bounds?: WsBounds): Promise<WsDuct> {
  try {
    return answer(duct, head, bounds)
  } catch (error) {
    await failed(duct, error, bounds)
    throw error
  }
}

function answer(duct: RawDuct, head: Head, bounds: WsBounds | undefined): WsDuct {
  const key = judge(head)
  sendText(duct, [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptOf(key)}`
  ])
  return new WsDuct(duct, 'server', bounds)
}

async function failed(duct: RawDuct, error: unknown, bounds: WsBounds | undefined): Promise<void> {
  const isBad = error instanceof Refusal || error instanceof NoHttp || error instanceof ProxyHeaderError
  if (isBad) bounds?.ended('bad-request')
  if (error instanceof TooSlow) bounds?.ended('handshake-timeout')
  if (!(error instanceof Refusal)) return duct.destroy()
  refuse(duct, error)
  await linger(duct)
}

/**
 * Asks one whom we dialled.
 * @param host with the port, as it stands in a URL
 * @throws where the other side does not become a WebSocket
 */
export async function greetWebSocket(
  duct: RawDuct,
  host: string,
  signal: AbortSignal,
  { bounds, timeoutMs = TIMEOUT_MS }: AcceptOptions = {}
): Promise<WsDuct> {
  if (!HOST.test(host)) throw new Error('a host that cannot stand in a request')
  const key = randomBytes(16).toString('base64')
  sendText(duct, [
    'GET / HTTP/1.1',
    `Host: ${host}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${key}`,
    `Sec-WebSocket-Version: ${VERSION}`
  ])
  const head = await inTime(timeoutMs, signal, both => readHead(duct, both))
  if (!head.start.startsWith('HTTP/1.1 101 ')) throw new Error(`the server answered: ${head.start}`)
  if (
    !listOf(head, 'upgrade').includes('websocket') ||
    !listOf(head, 'connection').includes('upgrade') ||
    only(head, 'sec-websocket-accept') !== acceptOf(key)
  ) {
    throw new Error('the server answered as no WebSocket does')
  }
  // We asked for none.
  if (head.fields.has('sec-websocket-extensions') || head.fields.has('sec-websocket-protocol')) {
    throw new Error('the server chose an extension or a protocol of its own')
  }
  return new WsDuct(duct, 'client', bounds)
}

/** @returns the client's key */
function judge(head: Head): string {
  const [, method = '', version] = /^([!-~]+) [!-~]+ HTTP\/(\d\.\d)$/.exec(head.start) ?? []
  if (version === undefined) throw new Refusal(400, 'This is no HTTP/1.1 request.')
  if (version !== '1.1') throw new Refusal(505, 'Only HTTP/1.1 is spoken here.')
  if (method !== 'GET') {
    throw new Refusal(405, 'Only a WebSocket can be opened here, with GET.', ['Allow: GET'])
  }
  if (only(head, 'host') === undefined) throw new Refusal(400, 'This request has no Host, or several.')
  if (head.fields.has('transfer-encoding') || (head.fields.get('content-length') ?? ['0']).some(isNotZero)) {
    throw new Refusal(400, 'A request for a WebSocket has no body.')
  }
  if (!listOf(head, 'upgrade').includes('websocket')) {
    throw upgradeRequired(
      'This is a libp2p relay, which peers connect to by WebSocket. There is no page here.'
    )
  }
  if (!listOf(head, 'connection').includes('upgrade')) {
    throw new Refusal(400, 'This request has an Upgrade, but its Connection does not say so.')
  }
  if (only(head, 'sec-websocket-version') !== VERSION) {
    throw upgradeRequired(`Only version ${VERSION} of WebSocket is spoken here.`)
  }
  const key = only(head, 'sec-websocket-key')
  if (key === undefined || !KEY.test(key)) {
    throw new Refusal(400, 'This request has no Sec-WebSocket-Key of 16 bytes.')
  }
  return key
}

function isNotZero(length: string): boolean {
  return length !== '0'
}

function upgradeRequired(sentence: string): Refusal {
  return new Refusal(426, sentence, ['Upgrade: websocket', `Sec-WebSocket-Version: ${VERSION}`])
}

function refuse(duct: RawDuct, { status, message, fields }: Refusal): void {
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    ...fields,
    // An Upgrade is of the connection, and must be listed with it.
    `Connection: ${status === 426 ? 'Upgrade, close' : 'close'}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${message.length + 1}`
  ]
  sendText(duct, lines, `${message}\n`)
}

function sendText(duct: RawDuct, lines: string[], body = ''): void {
  sendBytes(duct, Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1'))
}

function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}

class TooSlow extends Error {}

async function inTime<T>(
  milliseconds: number,
  signal: AbortSignal,
  task: (signal: AbortSignal) => Promise<T>
): Promise<T> {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(new TooSlow('the handshake took too long')), milliseconds)
  try {
    return await task(AbortSignal.any([signal, late.signal]))
  } finally {
    clearTimeout(timer)
  }
}

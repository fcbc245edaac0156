import { isIPv4, isIPv6 } from 'node:net'
import type { Endpoint } from './forwarded.ts'
import { plainIp } from './ip.ts'

/** The PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt), by which a proxy says whose bytes follow. */

const V1 = Buffer.from('PROXY ')
const V2 = Buffer.from('\r\n\r\n\0\r\nQUIT\n')
/** The longest of version 1, with its line end. */
const MOST_V1_BYTES = 107
const V2_HEAD_BYTES = 16
/** Two IPv6 addresses and ports; nothing of what may follow is needed. */
const MOST_V2_ADDRESS_BYTES = 36
const V1_LINE = /^PROXY (TCP4|TCP6) (\S+) (\S+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})$/
const LOCAL = 0x20
const PROXY = 0x21
const TCP4 = 0x11
const TCP6 = 0x21
/** AF_UNIX is the last family, datagrams the last kind of transport. */
const LAST_FAMILY = 3
const LAST_TRANSPORT = 2

export interface ProxyHeader {
  /** Whom the proxy speaks for; undefined: for itself, or there is no header. */
  client: Endpoint | undefined
  /** What has come behind the header, or all that has come if there is none. */
  rest: Buffer
}

/** It begins like a header, and is none. */
export class ProxyHeaderError extends Error {}

/** Looks at the first bytes of a connection, in whatever pieces they come. Keeps 107 of them at most. */
export class ProxyHeaderReader {
  #kept: Buffer = Buffer.alloc(0)
  #client: Endpoint | undefined
  /** Of a header that is understood, what is still to come. */
  #toSkip: number | undefined

  /**
   * @returns undefined while it is open whether this is a header, or where it ends
   * @throws ProxyHeaderError
   */
  add(bytes: Buffer): ProxyHeader | undefined {
    if (this.#toSkip !== undefined) return this.#skip(bytes)
    // Never more of what is not understood yet than a header has.
    const taken = bytes.subarray(0, Math.max(0, MOST_V1_BYTES - this.#kept.byteLength))
    const seen = Buffer.concat([this.#kept, taken])
    const rest = bytes.subarray(taken.byteLength)
    const isV1 = startsAlike(seen, V1)
    const isV2 = startsAlike(seen, V2)
    if (!isV1 && !isV2) return { client: undefined, rest: Buffer.concat([seen, rest]) }
    const length = isV1 ? this.#readV1(seen) : this.#readV2(seen)
    if (length === undefined) {
      this.#kept = seen
      return undefined
    }
    this.#kept = Buffer.alloc(0)
    this.#toSkip = length
    return this.#skip(Buffer.concat([seen, rest]))
  }

  #skip(bytes: Buffer): ProxyHeader | undefined {
    const skipped = Math.min(this.#toSkip ?? 0, bytes.byteLength)
    this.#toSkip = (this.#toSkip ?? 0) - skipped
    return this.#toSkip > 0 ? undefined : { client: this.#client, rest: bytes.subarray(skipped) }
  }

  /** @returns the bytes of the header, once it is understood */
  #readV1(seen: Buffer): number | undefined {
    const end = seen.indexOf('\r\n')
    if (end < 0) {
      if (seen.byteLength >= MOST_V1_BYTES) throw broken('its line does not end')
      return undefined
    }
    const line = seen.toString('latin1', 0, end)
    if (!/^PROXY UNKNOWN( |$)/.test(line)) this.#client = clientOfLine(line)
    return end + 2
  }

  #readV2(seen: Buffer): number | undefined {
    if (seen.byteLength < V2_HEAD_BYTES) return undefined
    const [command, family] = [seen[12]!, seen[13]!]
    if (command !== LOCAL && command !== PROXY) throw broken('an unknown version or command')
    if (family >>> 4 > LAST_FAMILY || (family & 0x0f) > LAST_TRANSPORT) throw broken('an unknown family')
    const length = seen.readUInt16BE(14)
    const isKnown = command === PROXY && (family === TCP4 || family === TCP6)
    // Nobody came over a Unix socket, or by datagrams, to where a TCP connection goes: it is the proxy's own then.
    if (!isKnown) return V2_HEAD_BYTES + length
    const addressBytes = family === TCP4 ? 12 : MOST_V2_ADDRESS_BYTES
    if (length < addressBytes) throw broken('too short for its addresses')
    if (seen.byteLength < V2_HEAD_BYTES + addressBytes) return undefined
    const address = seen.subarray(V2_HEAD_BYTES, V2_HEAD_BYTES + addressBytes)
    const ipBytes = family === TCP4 ? 4 : 16
    this.#client = endpoint(textOf(address.subarray(0, ipBytes)), address.readUInt16BE(2 * ipBytes))
    return V2_HEAD_BYTES + length
  }
}

/** Whether bytes are the beginning of a text, or begin with it. */
function startsAlike(bytes: Buffer, text: Buffer): boolean {
  const length = Math.min(bytes.byteLength, text.byteLength)
  return bytes.compare(text, 0, length, 0, length) === 0
}

function clientOfLine(line: string): Endpoint {
  const [, family, source = '', target = '', sourcePort, targetPort] = V1_LINE.exec(line) ?? []
  const isOfFamily = family === 'TCP4' ? isIPv4 : isIPv6
  if (family === undefined || !isOfFamily(source) || !isOfFamily(target) || Number(targetPort) > 65_535) {
    throw broken('its line is none')
  }
  return endpoint(source, Number(sourcePort))
}

function endpoint(text: string, port: number): Endpoint {
  const ip = plainIp(text)
  if (ip === undefined || port > 65_535) throw broken('no address')
  return { ip, port }
}

function textOf(address: Buffer): string {
  if (address.byteLength === 4) return address.join('.')
  return Array.from({ length: 8 }, (_, i) => address.readUInt16BE(2 * i).toString(16)).join(':')
}

function broken(what: string): ProxyHeaderError {
  return new ProxyHeaderError(`a PROXY header that is none: ${what}`)
}

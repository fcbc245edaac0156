import { isIPv4, isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'

/**
 * IP addresses as the limits see them. Two texts of one address (`::ffff:192.0.2.1` and `192.0.2.1`, with or
 * without a zone) are one address here, so that nobody gets a second share by writing theirs another way.
 */

type Ip = ipaddr.IPv4 | ipaddr.IPv6

/** A CIDR block: an address and how many of its leading bits count. */
export interface Cidr {
  address: Ip
  bits: number
}

/** What a provider hands to one customer at the most usual; a smaller group would let one person be many. */
const IPV6_GROUP_BITS = 56

/** Every text that is no IP address shares this one group: what cannot be read escapes no limit. */
const UNKNOWN_GROUP = 'unknown'

/**
 * Whose share of the limits an address uses: the IPv4 address itself, or the IPv6 /56 it is in
 * (`2001:db8:0:1200::/56`). IPv4-mapped IPv6 counts as IPv4.
 */
export function ipGroup(ip: string): string {
  if (isIPv4(ip)) return ip
  const address = parseIp(ip)
  if (address === undefined) return UNKNOWN_GROUP
  if (isV4(address)) return address.toString()
  const bytes = address.toByteArray().fill(0, IPV6_GROUP_BITS / 8)
  return `${new ipaddr.IPv6(bytes).toString()}/${IPV6_GROUP_BITS}`
}

/** An address in its one usual text, without a zone; undefined if it is none. */
export function plainIp(ip: string): string | undefined {
  return parseIp(ip)?.toString()
}

/**
 * The network an address is in, wide enough that two of them are seldom in the same hands: the IPv4 /16 or the
 * IPv6 /32.
 */
export function ipNetwork(ip: string): string {
  const address = parseIp(ip)
  if (address === undefined) return UNKNOWN_GROUP
  const bytes = address.toByteArray()
  const bits = isV4(address) ? 16 : 32
  return `${ipaddr.fromByteArray(bytes.fill(0, bits / 8)).toString()}/${bits}`
}

/**
 * An address that the whole Internet can reach: not loopback, private, link-local, CGNAT, ULA, documentation,
 * multicast, unspecified or otherwise reserved. What is no IP address is not public either.
 */
export function isPublicIp(ip: string): boolean {
  const address = parseIp(ip)
  if (address === undefined) return false
  if (isV4(address)) return PUBLIC_RANGES.has(address.range())
  // Outside 2000::/3 no global unicast address has ever been given out (RFC 4291, section 4; IANA registry).
  return address.match(GLOBAL_UNICAST, 3) && PUBLIC_RANGES.has(address.range())
}

// as112 and amt are special, but anyone can reach them (RFC 7534, RFC 7535, RFC 7450).
const PUBLIC_RANGES = new Set<string>(['unicast', 'as112', 'as112v6', 'amt'])
const GLOBAL_UNICAST = ipaddr.IPv6.parse('2000::')

/** A block such as `10.0.0.0/8` or `2001:db8::/32`; a bare address is a block of one; undefined if it is neither. */
export function parseCidr(text: string): Cidr | undefined {
  const [base, length, ...rest] = text.split('/')
  if (base === undefined || rest.length > 0) return undefined
  const address = parseIp(base)
  if (address === undefined) return undefined
  const most = isV4(address) ? 32 : 128
  if (length === undefined) return { address, bits: most }
  if (!/^\d{1,3}$/.test(length)) return undefined
  const given = Number(length)
  // ::ffff:10.0.0.0/104 is 10.0.0.0/8: the 96 bits before an IPv4-mapped address are the same for all.
  const isMapped = isV4(address) && base.includes(':')
  if (given > (isMapped ? 128 : most)) return undefined
  return { address, bits: isMapped ? Math.max(0, given - 96) : given }
}

export interface Subject {
  ip?: string
  peer?: string
}

/** An allow or deny list: IP addresses, CIDR blocks and other words, which are taken for peer ids. */
export class AccessList {
  readonly size: number
  readonly #words = new Set<string>()
  // Single addresses are looked up, not searched: block lists of thousands of them are usual.
  readonly #addresses = new Set<string>()
  readonly #blocks: Cidr[] = []

  constructor(rules: readonly string[]) {
    for (const rule of rules) this.#add(rule.trim())
    this.size = this.#words.size + this.#addresses.size + this.#blocks.length
  }

  /** Whether a rule names this address or this peer. An empty list matches no one. */
  matches({ ip, peer }: Subject): boolean {
    if (peer !== undefined && this.#words.has(peer)) return true
    if (ip === undefined || (this.#addresses.size === 0 && this.#blocks.length === 0)) return false
    const address = parseIp(ip)
    if (address === undefined) return false
    if (this.#addresses.has(address.toString())) return true
    return this.#blocks.some(block => contains(block, address))
  }

  #add(rule: string): void {
    const cidr = parseCidr(rule)
    if (cidr === undefined) {
      if (rule !== '') this.#words.add(rule)
    } else if (cidr.bits === (isV4(cidr.address) ? 32 : 128)) {
      this.#addresses.add(cidr.address.toString())
    } else {
      this.#blocks.push(cidr)
    }
  }
}

/** Whether a block holds an address; IPv4 and IPv6 are strangers, so `::/0` holds no IPv4 address. */
function contains(block: Cidr, address: Ip): boolean {
  return block.address.kind() === address.kind() && address.match(block.address, block.bits)
}

function isV4(address: Ip): address is ipaddr.IPv4 {
  return address.kind() === 'ipv4'
}

/**
 * Node says what is an IP address, ipaddr.js only reads it: left alone it takes `12345`, `0x7f.1` and `010.0.0.1`
 * for IPv4 addresses.
 */
function parseIp(text: string): Ip | undefined {
  if (isIPv4(text)) return ipaddr.IPv4.parse(text)
  const bare = withoutZone(text)
  if (!isIPv6(bare)) return undefined
  const address = ipaddr.IPv6.parse(withHexTail(bare))
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address
}

function withoutZone(ip: string): string {
  const at = ip.indexOf('%')
  return at === -1 ? ip : ip.slice(0, at)
}

/** `::192.0.2.1` -> `::c000:201`: ipaddr.js reads the first as IPv4-mapped, which it is not (RFC 4291, 2.5.5.1). */
function withHexTail(ip: string): string {
  if (!ip.includes('.')) return ip
  const cut = ip.lastIndexOf(':') + 1
  const [a = 0, b = 0, c = 0, d = 0] = ip.slice(cut).split('.').map(Number)
  return `${ip.slice(0, cut)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
}

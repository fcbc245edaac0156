/**
 * What the network adds to payload, in bytes as an interface counts them: Ethernet's header, without its checksum,
 * preamble and padding. An MTU of 1500 is assumed; a smaller one, such as PPPoE's 1492, changes the sum by less
 * than 0.1 %.
 */

const MTU = 1500
const ETHERNET = 14
/** RFC 791, RFC 8200; neither with options. */
const IPV4 = 20
const IPV6 = 40
const UDP = 8
const TCP = 20
/** The timestamps (RFC 7323) that all but Windows put on every segment but a reset, with their padding. */
const TCP_TIMESTAMPS = 12
/** Maximum segment size, selective acknowledgements, timestamps, window scale. */
const TCP_SYN_OPTIONS = 20

/** Sizes of the frames of one IP version. */
export interface Frames {
  /** Headers of a UDP datagram. */
  datagram: number
  /** Headers of a TCP segment; one without payload acknowledges or closes. */
  segment: number
  /** A SYN, or the answer to it. */
  syn: number
  reset: number
  /** The most payload of a segment. */
  maxSegment: number
}

function frames(ip: number): Frames {
  return {
    datagram: ETHERNET + ip + UDP,
    segment: ETHERNET + ip + TCP + TCP_TIMESTAMPS,
    syn: ETHERNET + ip + TCP + TCP_SYN_OPTIONS,
    reset: ETHERNET + ip + TCP,
    maxSegment: MTU - ip - TCP - TCP_TIMESTAMPS
  }
}

const OF_IPV4 = frames(IPV4)
const OF_IPV6 = frames(IPV6)

/** Those that carry traffic with that address; an IPv4-mapped one travels as IPv4. */
export function framesOf(ip: string): Frames {
  return ip.includes(':') && !/^::ffff:\d+\./i.test(ip) ? OF_IPV6 : OF_IPV4
}

/** Whether traffic with that address stays inside the machine, whatever address of its own it comes from. */
export function isLoopback(ip: string): boolean {
  return ip === '::1' || /^(::ffff:)?127\./i.test(ip)
}

import type { Inspected } from '../../support/inspected.ts'
import type { Transport } from '../cases.ts'

/**
 * A relay that is measured: a process with addresses. Whatever runs the node (plain Node, Electron, another
 * implementation) gets its own {@link Subject}.
 */
export interface NodeUnderTest {
  /** The process whose CPU and memory count. */
  readonly pid: number
  /** From its process's start until it listened; undefined if someone else started it. */
  readonly startMs: number | undefined
  /** How clients reach each other through it; undefined where it does not speak that transport. */
  way(transport: Transport): Way | undefined
  /** All processes of the program, that one too, where it has more. */
  processes?(): number[]
  /** Where scripts may be evaluated in that process. */
  readonly inspected?: Inspected
  stop(): Promise<void>
}

/** By circuits of a relay, or by plain sockets through a proxy. */
export type Way =
  { kind: 'circuits'; address: string; transport: Transport } | { kind: 'sockets'; port: number }

export interface Subject {
  name: string
  /** A new process each time, if it is ours to start. */
  start(): Promise<NodeUnderTest>
}

/** The address for a transport among a node's: TLS and Noise share one. */
export function addressFor(transport: Transport, addresses: readonly string[]): string | undefined {
  const kind = transport === 'tls' ? 'tcp' : transport
  return addresses.find(address => kindOf(address) === kind)
}

function kindOf(address: string): 'tcp' | 'ws' | 'quic' | undefined {
  if (/\/quic-v1(\/|$)/.test(address)) return 'quic'
  if (/\/tcp\/\d+\/ws(\/|$)/.test(address)) return 'ws'
  return /\/tcp\/\d+(\/p2p\/[^/]+)?$/.test(address) ? 'tcp' : undefined
}

export function circuitsBy(addresses: readonly string[]): NodeUnderTest['way'] {
  return transport => {
    const address = addressFor(transport, addresses)
    return address === undefined ? undefined : { kind: 'circuits', address, transport }
  }
}

import type { Amounts, NetworkAmounts, RefusalInfo } from '../../../shared/api.ts'

/**
 * Sums as they are stored. Whole numbers throughout, so that a year of additions gives what it should: bytes, counts,
 * milliseconds of uptime and seconds held.
 */
export interface Tally {
  toTarget: number
  toSource: number
  received: number
  sent: number
  circuits: number
  uptimeMs: number
  /** Different peers: not a sum, and kept for minutes, hours and days only. */
  peers: number
  /** By request and reason (`refusalKey`). */
  refusals: Record<string, number>
  /** By network. A map, because people name them as they like. */
  networks: Map<string, NetworkTally>
  /** Seconds by rule of the budget. */
  held: Record<string, number>
}

interface NetworkTally {
  toTarget: number
  toSource: number
  circuits: number
}

/** What a tally holds, for people who ask what is stored. */
export const TALLY_FIELDS: Readonly<Record<keyof Tally, string>> = {
  toTarget: 'bytes relayed from dialers to listeners',
  toSource: 'bytes relayed from listeners to dialers',
  received: 'bytes the node received',
  sent: 'bytes the node sent',
  circuits: 'how many circuits were made',
  uptimeMs: 'how long the node ran',
  peers: 'how many different peers were connected',
  refusals: 'how many requests were refused, by reason',
  networks: 'bytes relayed and circuits made for each network, by its name',
  held: 'how long each rule of the budget held the node'
}

/** `connect:full`: the same reason may be that of either request. */
export const refusalKey = (request: RefusalInfo['request'], reason: string): string => `${request}:${reason}`

/** What a key of refusals stands for; one without a request counts as that of a reservation. */
export function refusalOf(key: string): Pick<RefusalInfo, 'request' | 'reason'> {
  const reason = key.slice(key.indexOf(':') + 1)
  return { request: key.startsWith('connect:') ? 'connect' : 'reserve', reason }
}

export function noTally(): Tally {
  const figures = { toTarget: 0, toSource: 0, received: 0, sent: 0, circuits: 0, uptimeMs: 0, peers: 0 }
  return { ...figures, refusals: {}, networks: new Map(), held: {} }
}

/** Adds to a tally in place. */
export function addAmounts(tally: Tally, amounts: Amounts): void {
  const { bytes, traffic, circuits, refusals, uptimeSeconds, networks, heldSeconds } = amounts
  tally.toTarget += bytes.toTarget
  tally.toSource += bytes.toSource
  tally.received += traffic.received
  tally.sent += traffic.sent
  tally.circuits += circuits
  tally.uptimeMs += Math.round(uptimeSeconds * 1000)
  addCounts(tally.refusals, refusals)
  addCounts(tally.held, heldSeconds)
  for (const [name, network] of Object.entries(networks)) addNetwork(tally.networks, name, network)
}

function addCounts(counts: Record<string, number>, increments: Readonly<Record<string, number>>): void {
  for (const [key, count] of Object.entries(increments)) {
    if (count !== 0) counts[key] = (counts[key] ?? 0) + count
  }
}

function addNetwork(networks: Tally['networks'], name: string, { bytes, circuits }: NetworkAmounts): void {
  if (bytes.toTarget + bytes.toSource + circuits === 0) return
  const before = networks.get(name) ?? { toTarget: 0, toSource: 0, circuits: 0 }
  networks.set(name, {
    toTarget: before.toTarget + bytes.toTarget,
    toSource: before.toSource + bytes.toSource,
    circuits: before.circuits + circuits
  })
}

export function toAmounts(tally: Tally): Amounts {
  const networks = [...tally.networks].map(([name, { toTarget, toSource, circuits }]) => {
    return [name, { bytes: { toTarget, toSource }, circuits }] as const
  })
  return {
    bytes: { toTarget: tally.toTarget, toSource: tally.toSource },
    traffic: { received: tally.received, sent: tally.sent },
    circuits: tally.circuits,
    refusals: byReason(tally.refusals),
    uptimeSeconds: tally.uptimeMs / 1000,
    networks: Object.fromEntries(networks),
    heldSeconds: { ...tally.held }
  }
}

/** Of several times together. */
export function sumOf(all: Iterable<Amounts>): Amounts {
  const tally = noTally()
  for (const amounts of all) addAmounts(tally, amounts)
  return toAmounts(tally)
}

function byReason(refusals: Tally['refusals']): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const [key, count] of Object.entries(refusals)) {
    const { reason } = refusalOf(key)
    counts[reason] = (counts[reason] ?? 0) + count
  }
  return counts
}

import type { Amounts, RefusalInfo } from '../../../shared/api.ts'

/**
 * Sums as they are stored. Whole numbers throughout, so that a year of additions gives what it should: bytes, counts,
 * and milliseconds of uptime.
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
  refusals: 'how many requests were refused, by reason'
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
  return { ...figures, refusals: {} }
}

/** Adds to a tally in place. */
export function addAmounts(
  tally: Tally,
  { bytes, traffic, circuits, refusals, uptimeSeconds }: Amounts
): void {
  tally.toTarget += bytes.toTarget
  tally.toSource += bytes.toSource
  tally.received += traffic.received
  tally.sent += traffic.sent
  tally.circuits += circuits
  tally.uptimeMs += Math.round(uptimeSeconds * 1000)
  for (const [reason, count] of Object.entries(refusals)) {
    if (count !== 0) tally.refusals[reason] = (tally.refusals[reason] ?? 0) + count
  }
}

export function toAmounts(tally: Tally): Amounts {
  return {
    bytes: { toTarget: tally.toTarget, toSource: tally.toSource },
    traffic: { received: tally.received, sent: tally.sent },
    circuits: tally.circuits,
    refusals: byReason(tally.refusals),
    uptimeSeconds: tally.uptimeMs / 1000
  }
}

function byReason(refusals: Tally['refusals']): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const [key, count] of Object.entries(refusals)) {
    const { reason } = refusalOf(key)
    counts[reason] = (counts[reason] ?? 0) + count
  }
  return counts
}

/** The stored form: a list without names, because thousands of these are kept. Its order is part of the version. */
export function encodeTally(tally: Tally): string {
  const { toTarget, toSource, received, sent, circuits, uptimeMs, peers, refusals } = tally
  const figures = [toTarget, toSource, received, sent, circuits, uptimeMs, peers]
  return JSON.stringify(Object.keys(refusals).length === 0 ? figures : [...figures, refusals])
}

export function decodeTally(text: string): Tally {
  const [toTarget, toSource, received, sent, circuits, uptimeMs, peers, refusals = {}] = JSON.parse(
    text
  ) as StoredTally
  return { toTarget, toSource, received, sent, circuits, uptimeMs, peers, refusals }
}

type StoredTally = [
  toTarget: number,
  toSource: number,
  received: number,
  sent: number,
  circuits: number,
  uptimeMs: number,
  peers: number,
  refusals?: Record<string, number>
]

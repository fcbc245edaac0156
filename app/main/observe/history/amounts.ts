import type { Amounts } from '../../../shared/api.ts'

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
  refusals: Record<string, number>
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
    refusals: { ...tally.refusals },
    uptimeSeconds: tally.uptimeMs / 1000
  }
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

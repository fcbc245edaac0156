import type { Key } from '../../shared/settings.ts'

type Kinds = Key | { reserve: Key; connect: Key }

/** The setting that lifts a refusal, where one does. The words are those of circuit/admission.ts. */
const LIFTED_BY: Record<string, Kinds> = {
  full: { reserve: 'relay.reservations.total', connect: 'relay.circuits.total' },
  'per-ip-full': 'relay.reservations.perIp',
  'per-peer-full': 'relay.circuits.perPeer',
  'peer-rate': 'relay.attempts.perPeerPerMinute',
  'ip-rate': 'relay.attempts.perIpPerMinute',
  'fair-share': 'quota.softPercent',
  overloaded: 'overload.eventLoopDelayMs',
  quota: 'quota.bytesPerMonth',
  schedule: 'schedule.hours',
  power: 'power.holdOnBattery',
  'not-allowed': 'access.allow',
  denied: 'access.deny'
}

export function settingThatLifts(request: 'reserve' | 'connect', reason: string): Key | undefined {
  const found = LIFTED_BY[reason]
  return typeof found === 'object' ? found[request] : found
}

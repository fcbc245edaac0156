import type {
  CircuitInfo,
  PeerInfo,
  RefusalInfo,
  ReservationInfo,
  SettingInfo,
  SettingsInfo
} from '../../../shared/api.ts'
import { formatBytes, formatDuration, formatRate, shortPeerId } from '../../../shared/format.ts'
import { pairs, table } from './table.ts'
import { counted, timeSince, timeUntil } from './text.ts'

/** What a view needs to know beside the answer it shows. */
export interface ViewOptions {
  /** Milliseconds since 1970. */
  now: number
  /** Columns of the terminal; undefined: whatever it takes. */
  width?: number
}

export function showReservations(reservations: readonly ReservationInfo[], options: ViewOptions): string[] {
  if (reservations.length === 0) return ['No peer holds a reservation now.']
  const { now } = options
  return table<ReservationInfo>(
    [
      { head: 'PEER', text: ({ peer }) => peer, short: shortPeerId },
      { head: 'HELD FOR', text: ({ since }) => timeSince(since, now), right: true },
      { head: 'EXPIRES IN', text: ({ expiresAt }) => timeUntil(expiresAt, now), right: true },
      { head: 'FROM', text: ({ ip }) => ip ?? '', least: 15 },
      { head: 'BY', text: ({ transport }) => transport ?? '' },
      { head: 'CIRCUITS', text: ({ circuits }) => String(circuits), right: true },
      { head: 'AGENT', text: ({ agent }) => agent ?? '', least: 8, spare: 1 }
    ],
    reservations,
    options
  )
}

export function showCircuits(circuits: readonly CircuitInfo[], options: ViewOptions): string[] {
  if (circuits.length === 0) return ['No circuits run now.']
  return table<CircuitInfo>(
    [
      { head: 'CIRCUIT', text: ({ id }) => String(id), right: true },
      { head: 'DIALER', text: ({ source }) => source, short: shortPeerId },
      { head: 'LISTENER', text: ({ target }) => target, short: shortPeerId },
      { head: 'RUNS FOR', text: ({ seconds }) => formatDuration(Math.round(seconds)), right: true },
      { head: 'TO LISTENER', text: ({ bytes }) => formatBytes(bytes.toTarget), right: true },
      { head: 'TO DIALER', text: ({ bytes }) => formatBytes(bytes.toSource), right: true },
      { head: 'NOW', text: ({ rate }) => formatRate(rate.toTarget + rate.toSource), right: true }
    ],
    circuits,
    options
  )
}

export function showPeers(peers: readonly PeerInfo[], options: ViewOptions): string[] {
  if (peers.length === 0) return ['No peer is connected now.']
  const { now } = options
  return table<PeerInfo>(
    [
      { head: 'PEER', text: ({ peer }) => peer, short: shortPeerId },
      { head: 'FOR', text: peer => oldestConnection(peer, now), right: true },
      { head: 'BY', text: transports },
      { head: 'RESERVED', text: ({ reserved }) => (reserved ? 'yes' : '') },
      { head: 'CIRCUITS', text: ({ circuits }) => String(circuits), right: true },
      { head: 'SENT', text: ({ bytes }) => formatBytes(bytes.sent), right: true },
      { head: 'RECEIVED', text: ({ bytes }) => formatBytes(bytes.received), right: true },
      { head: 'LIMIT', text: peerLimit, right: true, spare: 1 },
      { head: 'ADDRESS', text: newestAddress, spare: 2 },
      { head: 'AGENT', text: ({ agent }) => agent ?? '', least: 8, spare: 3 }
    ],
    peers,
    options
  )
}

function oldestConnection({ connections }: PeerInfo, now: number): string {
  const since = connections.map(connection => connection.since).sort()[0]
  return since === undefined ? '' : timeSince(since, now)
}

/** `tcp in`, `quic out 2` */
function transports({ connections }: PeerInfo): string {
  const counts = new Map<string, number>()
  for (const { transport, direction } of connections) {
    const kind = `${transport} ${direction === 'inbound' ? 'in' : 'out'}`
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  return [...counts].map(([kind, count]) => (count === 1 ? kind : `${count} ${kind}`)).join(', ')
}

function newestAddress({ peer, connections }: PeerInfo): string {
  const newest = connections.toSorted((a, b) => a.since.localeCompare(b.since)).at(-1)
  return newest?.address.replace(`/p2p/${peer}`, '') ?? ''
}

function peerLimit({ limitBytesPerSecond }: PeerInfo): string {
  return limitBytesPerSecond === undefined ? '' : formatRate(limitBytesPerSecond)
}

/** What each word of a refusal means; the words are those of relay/circuit/admission.ts. */
export const REFUSAL_TEXTS: Readonly<Record<string, string>> = {
  full: 'all places are taken',
  'per-ip-full': 'all places of one IP address are taken',
  'per-peer-full': 'all places of one peer are taken',
  'peer-rate': 'one peer asks too often',
  'ip-rate': 'one IP address asks too often',
  'fair-share': 'one peer has had its share of the last part of a quota',
  overloaded: 'the node had more to do than it can, or may',
  quota: 'a quota is used up',
  schedule: 'outside the hours in which the node works',
  power: 'the node sleeps: battery, metered connection or full screen',
  draining: 'the node is about to stop',
  paused: 'the node is paused',
  'not-allowed': 'not on the list of those allowed',
  denied: 'on the list of those denied',
  'over-relay': 'asked through another relay',
  'target-gone': 'the listener has left',
  'target-silent': 'the listener did not answer',
  'target-refused': 'the listener refused',
  'no-reservation': 'the listener has no reservation',
  malformed: 'the message makes no sense',
  'too-slow': 'the message did not come in time',
  unexpected: 'a message that has no place there'
}

/** `settings`: to say what the setting that would lift a refusal is now. */
export function showRefusals(
  refusals: readonly RefusalInfo[],
  settings: SettingsInfo,
  options: ViewOptions
): string[] {
  if (refusals.length === 0) return ['Nothing was refused since the node started.']
  const texts = new Map(settings.settings.map(({ key, text }) => [key, text]))
  const lift = (key: string): string => {
    const text = texts.get(key)
    return text === undefined || text.length > 24 ? key : `${key} (now ${text})`
  }
  return table<RefusalInfo>(
    [
      { head: 'COUNT', text: ({ count }) => String(count), right: true },
      { head: 'REQUEST', text: ({ request }) => request },
      { head: 'REASON', text: ({ reason }) => reason },
      {
        head: 'SETTING THAT WOULD LIFT IT',
        text: ({ setting }) => (setting === undefined ? 'none' : lift(setting))
      },
      { head: 'WHICH MEANS', text: ({ reason }) => REFUSAL_TEXTS[reason] ?? '', spare: 1 }
    ],
    refusals,
    options
  )
}

export function showSettings({ file, settings }: SettingsInfo, options: ViewOptions): string[] {
  const groups = [...new Set(settings.map(({ group }) => group))]
  const lines = table<SettingInfo>(
    [
      { head: 'SETTING', text: ({ key }) => key },
      { head: 'VALUE', text: ({ text }) => text || '""', least: 12 },
      { head: 'FROM', text: cameFrom }
    ],
    // In the order of their groups, which the heads below go between.
    groups.flatMap(group => settings.filter(each => each.group === group)),
    options
  )
  const pending = settings.filter(each => each.pending)
  const locked = settings.filter(each => each.locked)
  const notes = [
    ...(pending.length === 0 ? [] : [`${counted(pending.length, 'setting')} will apply after a restart.`]),
    ...(locked.length === 0
      ? []
      : ['What a flag or the environment sets cannot be changed while the node runs.'])
  ]
  return [...pairs([['Settings file', file]]), '', ...lines, ...(notes.length === 0 ? [] : ['', ...notes])]
}

function cameFrom({ from, name, pending }: SettingInfo): string {
  const source = from === 'file' || from === 'default' || name === undefined ? from : `${from} ${name}`
  return pending ? `${source}, after a restart` : source
}

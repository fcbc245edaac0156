import type { AddressInfo, Status } from '../../shared/api.ts'
import type { Connection } from '../client/client.ts'

/** `idle`: open, without work. */
export type LampState = 'relaying' | 'idle' | 'paused' | 'off' | 'trouble' | 'waiting'

export function lampOf(status: Status | undefined, connection: Connection): LampState {
  if (status === undefined || connection !== 'connected') return 'waiting'
  const { mode, circuits } = status
  if (mode.fault !== undefined) return 'trouble'
  if (mode.starting) return 'waiting'
  if (mode.mode === 'off') return 'off'
  if (mode.mode === 'open') return circuits.running > 0 ? 'relaying' : 'idle'
  return 'paused'
}

const CONFIRMED: ReadonlySet<AddressInfo['state']> = new Set(['verified', 'given'])

/** Whether others can reach the node, as far as it knows. */
export interface Reach {
  /** `outside`: confirmed, or given by the settings; `unconfirmed`: a public or mapped address that nobody has tried. */
  state: 'outside' | 'unconfirmed' | 'unreachable' | 'local'
  /** The transports it holds for, without doubles. */
  transports: string[]
}

export function reachOf(addresses: readonly AddressInfo[]): Reach {
  const open = addresses.filter(({ public: isPublic }) => isPublic)
  const groups: [Reach['state'], (address: AddressInfo) => boolean][] = [
    ['outside', ({ state }) => CONFIRMED.has(state)],
    ['unconfirmed', ({ state }) => state === 'mapped' || state === 'listening'],
    ['unreachable', ({ state }) => state === 'unreachable']
  ]
  for (const [state, matches] of groups) {
    const transports = open.filter(matches).map(({ transport }) => transport)
    if (transports.length > 0) return { state, transports: [...new Set(transports)] }
  }
  return { state: 'local', transports: [] }
}

/** What the node does, in one word; texts/overview.ts has the sentences. */
export type Situation =
  | 'off'
  | 'starting'
  | 'fault'
  | 'draining'
  | 'held'
  | 'paused'
  | 'relaying'
  | 'reserved'
  | 'unreachable'
  | 'unknown-to-all'
  | 'no-demand'

export function situationOf(status: Status, joinsNetwork: boolean): Situation {
  const { mode, circuits, reservations } = status
  if (mode.fault !== undefined) return 'fault'
  if (mode.starting) return 'starting'
  if (mode.mode !== 'open') return mode.mode
  if (circuits.running > 0) return 'relaying'
  if (reservations.held > 0) return 'reserved'
  if (status.reachability.health === 'broken') return 'unreachable'
  // Nobody has a way to learn of it: it joins no network, and none has come by itself.
  if (!joinsNetwork && status.dhtPeers === 0 && status.connections.peers === 0) return 'unknown-to-all'
  return 'no-demand'
}

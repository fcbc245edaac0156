/**
 * Whether others get to this node, step by step: for each transport and IP family six rungs, of which each needs the
 * ones before it. `cause` and `mend` are sentences in English; `code` is the stable word behind them, and `details`
 * what the sentences are filled with.
 */
export interface LadderInfo extends LadderSummary {
  rows: LadderRow[]
  /** Firewalls of this machine that are on, as far as the system tells. */
  firewalls: FirewallInfo[]
  selfTest: SelfTestInfo
}

/**
 * `healthy`: used, or was; `no-demand`: all is well and nobody has asked for anything; `local`: only this network can
 * reach it, as the settings say; `waiting`: not known yet; `resting`: takes no new work now; `broken`: see the cause.
 */
export type Health = 'healthy' | 'no-demand' | 'local' | 'waiting' | 'starting' | 'resting' | 'off' | 'broken'

export interface LadderSummary {
  health: Health
  code: string
  cause: string
  mend?: string
  details?: LadderDetails
  since: string
}

export type LadderDetails = Record<string, string | number>

export type Family = 'ip4' | 'ip6'

export interface LadderRow {
  /** `tcp`, `quic-v1`, `ws`, `wss`, `webrtc-direct` */
  transport: string
  family: Family
  /** The address that the rungs are about: the best public one, else where it listens. */
  address?: string
  /** In their order. */
  rungs: Rung[]
}

export const RUNGS = ['listening', 'mapped', 'verified', 'advertised', 'reservation', 'circuit'] as const
export type RungName = (typeof RUNGS)[number]

/** `off`: not needed, or not wanted; `waiting`: for the rungs before it, or for others; `unknown`: cannot be told. */
export type RungState = 'ok' | 'failed' | 'waiting' | 'off' | 'unknown'

export interface Rung {
  rung: RungName
  state: RungState
  code: string
  /** Since when it is in this state, as far as is known. */
  since: string
  /** When it was last seen to be right, where it is not any more. */
  lastOkAt?: string
  cause: string
  mend?: string
  details?: LadderDetails
}

export type FirewallName = 'ufw' | 'firewalld' | 'nftables' | 'windows' | 'macos'

export interface FirewallInfo {
  name: FirewallName
  /** Ports it is known to let in (`4001/tcp`), or that it lets this program in; absent where nobody may look. */
  allowed?: string[] | 'program'
}

/**
 * What two throw-away clients of this machine got from the node: one reserves, the other connects to it through the
 * node, and what it sends comes back. They take no place of anyone, and count as nobody in the figures.
 */
export interface SelfTestInfo {
  /** `failed`: it could not be made, `cause` says why; what it found out is in `results`. */
  state: 'never' | 'running' | 'done' | 'failed'
  /** When the newest one ended. */
  at?: string
  cause?: string
  results: SelfTestResult[]
}

export interface SelfTestResult {
  transport: string
  family: Family
  /** Where the clients dialled. */
  address: string
  /** `local`: where the node listens; `inside`: there as well, because the announced address does not answer from inside. */
  by: 'announced' | 'local' | 'inside'
  reservation: SelfTestStep
  /** Absent where there was no reservation. */
  circuit?: SelfTestStep
}

export type SelfTestStep =
  | { ok: true; milliseconds: number }
  /** `dial-failed`, `other-peer`, `untrusted-certificate`, `refused`, `no-answer`, `wrong-echo`, … */
  | { ok: false; code: string; cause: string }

/** What a chosen peer said when it was asked to dial this node (AutoNAT). */
export interface ViaInfo {
  peer: string
  /** `none`: it speaks no AutoNAT, so it could not be asked. */
  version: 'v1' | 'v2' | 'none'
  answers: ViaAnswer[]
}

export interface ViaAnswer {
  address: string
  /** `none`: it did not try, or did not say. */
  outcome: 'reached' | 'failed' | 'none'
}

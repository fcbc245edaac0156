/** What can hold the node: it takes no new work, lets circuits finish, then sleeps. */
export type Rule =
  'quota-month' | 'quota-day' | 'schedule' | 'battery' | 'battery-level' | 'metered' | 'full-screen'

/** The word for it in refusals and in why circuits ended. */
export type HoldCause = 'quota' | 'schedule' | 'power'

/** What the system tells of what the rules go by; undefined: it does not, or no rule needs it. */
export interface PowerState {
  onBattery?: boolean
  /** 0 to 100. */
  batteryPercent?: number
  /** Whether the connection to the Internet is paid for by what is used. */
  metered?: boolean
  /** The name of the program that fills the screen; '': none does. */
  fullScreenProgram?: string
}

/** A rule that is set. Times are RFC 3339. */
export interface RuleState {
  rule: Rule
  /** `soft`: no new circuits for a peer that has had more than its fair share of what was left (quotas alone). */
  state: 'free' | 'soft' | 'holding'
  /** When it lets go, where that is known; of the schedule also when it next holds. */
  until?: string
  /** Of a quota: bytes of all the node's traffic, counted as `quota.counts` says. */
  usedBytes?: number
  limitBytes?: number
  /** When the count begins anew. */
  resetsAt?: string
  /** The system was asked for what the rule goes by and does not tell: it never holds. */
  untold?: true
}

export interface BudgetInfo {
  rules: RuleState[]
  /** Of the rules that hold, the one that does so longest. */
  holding?: Rule
  power: PowerState
  cpu: CpuInfo
  /** How long each rule has held the node since the start. */
  heldSeconds: Record<Rule, number>
}

export interface CpuInfo {
  /** Percent of one core, over the last seconds; undefined before they were measured. */
  percent?: number
  /** cpu.sharePercent; 0: none. */
  limitPercent: number
  /** New work is refused. */
  overloaded: boolean
  /** To what the rate of all circuits is narrowed, in bytes a second and each direction. */
  narrowedToBytesPerSecond?: number
}

/** The most that the settings allow in a month of 31 days. */
export interface WorstCase {
  /** null: there is no bound. */
  bytesPerMonth: number | null
  /** What bounds it. A quota bounds all the node's traffic; a rate that of circuits, and all else comes on top. */
  boundBy: 'quota-month' | 'quota-day' | 'rate' | 'nothing'
  /** Which bytes are meant. */
  counts: 'both' | 'sent' | 'received' | 'larger'
  /** Of the 168 hours of a week. */
  hoursPerWeek: number
}

import type { SelfTestResult } from '../../shared/api/ladder.ts'
import type { TrialPlan } from '../relay/reachability/trial-clients.ts'

/** What the worker is told: what to try, and that the node awaits its clients. */
export type ToWorker = { kind: 'plan'; plan: TrialPlan } | { kind: 'go' }

/** What it tells: who will come, what came of each target, and that this was all. */
export type FromWorker =
  { kind: 'peers'; peers: string[] } | { kind: 'result'; result: SelfTestResult } | { kind: 'end' }

import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
import {
  peersOf,
  trialPairs,
  tryAll,
  type TrialPair,
  type TrialPlan
} from '../relay/reachability/trial-clients.ts'
import type { FromWorker, ToWorker } from './messages.ts'

/**
 * The throw-away clients of the self-test, in a process of their own: what goes wrong in them, or takes long, is no
 * matter of the node's, and their memory ends with them.
 */
let plan: TrialPlan | undefined
let pairs: TrialPair[] = []

async function onMessage(message: ToWorker): Promise<void> {
  if (message.kind === 'plan') {
    plan = message.plan
    resolveTo(plan.names)
    pairs = await trialPairs(plan)
    return tell({ kind: 'peers', peers: peersOf(pairs) })
  }
  if (plan === undefined) return
  await tryAll(pairs, plan.peerId, result => void tell({ kind: 'result', result }))
  await tell({ kind: 'end' })
  process.exit()
}

/** Names in the node's own addresses mean this machine: nobody is asked for them. */
function resolveTo(names: TrialPlan['names']): void {
  const lookup = (_: string, options: unknown, callback: (...result: unknown[]) => void): void => {
    const { all, family } = (options ?? {}) as { all?: boolean; family?: number }
    const found = family === 6 ? { address: names.ip6, family: 6 } : { address: names.ip4, family: 4 }
    if (all === true) callback(null, [found])
    else callback(null, found.address, found.family)
  }
  Object.assign(dns, { lookup })
  syncBuiltinESMExports()
}

/** Resolves once it is on its way. */
function tell(message: FromWorker): Promise<void> {
  return new Promise(resolve => process.send?.(message, () => resolve()))
}

// The node has gone.
process.on('disconnect', () => process.exit())
// Ctrl-C in a terminal goes to all of its processes: the node ends this one when it ends.
process.on('SIGINT', () => {})
process.on('message', message => void onMessage(message as ToWorker))

import type { Health, LadderDetails, RungName } from '../../../shared/api/ladder.ts'
import type { LadderCode } from '../../../shared/ladder-words.ts'
import type { LadderFacts } from './facts.ts'
import type { BareRung } from './row.ts'

export interface BareHealth {
  health: Health
  code: LadderCode
  details?: LadderDetails
  mend?: string
}

type Row = readonly BareRung[]

/** What all rows come to. One way in from outside is enough. */
export function healthOf(rows: readonly Row[], facts: LadderFacts): BareHealth {
  return resting(facts) ?? working(rows, facts) ?? hindered(rows)
}

function resting({ mode }: LadderFacts): BareHealth | undefined {
  if (mode.mode === 'off') return { health: 'off', code: 'off' }
  if (mode.fault !== undefined)
    return { health: 'broken', code: 'fault', details: { said: mode.fault.message } }
  if (mode.starting === true) return { health: 'starting', code: 'starting' }
  if (mode.mode === 'open') return undefined
  return { health: 'resting', code: 'takes-no-work', details: { mode: mode.mode } }
}

const rung = (row: Row, name: RungName): BareRung | undefined => row.find(each => each.rung === name)

const relays = (row: Row): boolean =>
  rung(row, 'listening')?.state === 'ok' &&
  rung(row, 'reservation')?.state !== 'failed' &&
  rung(row, 'circuit')?.state !== 'failed'

/** Verified, or given by the person, who knows. */
function leadsIn(row: Row): boolean {
  const verified = rung(row, 'verified')
  return relays(row) && (verified?.state === 'ok' || verified?.code === 'given')
}

function working(rows: readonly Row[], { demand, dht }: LadderFacts): BareHealth | undefined {
  const count = rows.filter(leadsIn).length
  if (count === 0) return undefined
  const isUsed = demand.reservations + demand.circuits + demand.ever > 0
  if (isUsed) return { health: 'healthy', code: 'healthy', details: { count } }
  return { health: 'no-demand', code: dht.enabled && dht.joins > 0 ? 'no-demand-joined' : 'no-demand' }
}

/** The first thing in the way, from the bottom up; what is not decided yet goes before what failed in another row. */
function hindered(rows: readonly Row[]): BareHealth {
  if (rows.length === 0) return { health: 'broken', code: 'not-listening' }
  const all = (name: RungName): BareRung[] => rows.flatMap(row => rung(row, name) ?? [])
  const because = (health: Health, { code, details, mend }: BareRung): BareHealth => ({
    ...{ health, code, ...(details && { details }), ...(mend !== undefined && { mend }) }
  })
  const opens = all('listening').filter(({ state }) => state === 'ok')
  const closed = all('listening').find(({ state }) => state === 'failed')
  if (opens.length === 0 && closed !== undefined) return because('broken', closed)
  if (!rows.some(relays)) {
    const failed = [...all('reservation'), ...all('circuit')].find(({ state }) => state === 'failed')
    if (failed !== undefined) return because('broken', failed)
  }
  const pending = [...all('verified'), ...all('mapped')].find(
    ({ state, code }) => state === 'waiting' && code !== 'rung-below'
  )
  const unreached = all('verified').find(({ state }) => state === 'failed')
  const unmapped = all('mapped').find(({ state }) => state === 'failed')
  if (pending !== undefined) return because('waiting', pending)
  const failed = unreached ?? unmapped
  return failed === undefined ? { health: 'local', code: 'local' } : because('broken', failed)
}

import type { LadderInfo, LadderRow, LadderSummary, Rung } from '../../../shared/api/ladder.ts'
import { ladderWords } from '../../../shared/ladder-words.ts'
import { isLoopback, wayFacts, type LadderFacts } from './facts.ts'
import { healthOf, type BareHealth } from './health.ts'
import { rungsOf, type BareRung } from './row.ts'

/** The ladder as the facts tell it, without times: a pure function of them. */
export interface BareLadder {
  health: BareHealth
  rows: { transport: string; family: LadderRow['family']; address?: string; rungs: BareRung[] }[]
}

export function ladderOf(facts: LadderFacts): BareLadder {
  const rows =
    facts.mode.mode === 'off'
      ? []
      : facts.ways.map(way => {
          const known = wayFacts(way, facts)
          const address = (known.best ?? known.own.find(info => !isLoopback(info.address)) ?? known.own[0])
            ?.address
          const { transport, family } = way
          return {
            transport,
            family,
            ...(address !== undefined && { address }),
            rungs: rungsOf(known, facts)
          }
        })
  return {
    health: healthOf(
      rows.map(({ rungs }) => rungs),
      facts
    ),
    rows
  }
}

interface Seen {
  state: string
  since: string
  lastOkAt: string | undefined
}

/** The ladder over time: since when each rung is as it is, and when one that fails was last right. */
export class Ladder {
  readonly #now: () => string
  #seen = new Map<string, Seen>()

  /** `now` gives RFC 3339. */
  constructor({ now }: { now: () => string }) {
    this.#now = now
  }

  /** The whole alone. */
  summary(facts: LadderFacts): LadderSummary {
    const { health, code, cause, mend, details, since } = this.look(facts)
    return { health, code, cause, ...(mend !== undefined && { mend }), ...(details && { details }), since }
  }

  look(facts: LadderFacts): LadderInfo {
    const { health, rows } = ladderOf(facts)
    const seen = new Map<string, Seen>()
    const known = rows.map(({ transport, family, address, rungs }) => ({
      ...{ transport, family },
      ...(address !== undefined && { address }),
      rungs: rungs.map(rung => this.#rung(rung, `${transport}/${family}/${rung.rung}`, seen))
    }))
    const summary = this.#summary(health, seen)
    this.#seen = seen
    return { ...summary, rows: known, firewalls: [...facts.firewalls], selfTest: facts.selfTest }
  }

  #rung({ mend, since, ...rung }: BareRung, key: string, seen: Map<string, Seen>): Rung {
    const at = this.#note(key, rung.state, rung.state === 'ok', since, seen)
    const words = ladderWords(rung.code, rung.details)
    return { ...rung, ...words, ...(mend !== undefined && { mend }), ...at }
  }

  #summary({ mend, ...bare }: BareHealth, seen: Map<string, Seen>): LadderSummary {
    const words = ladderWords(bare.code, bare.details)
    const { since } = this.#note('health', `${bare.health} ${bare.code}`, false, undefined, seen)
    return { ...bare, ...words, ...(mend !== undefined && { mend }), since }
  }

  #note(
    key: string,
    state: string,
    isOk: boolean,
    since: string | undefined,
    seen: Map<string, Seen>
  ): { since: string; lastOkAt?: string } {
    const now = this.#now()
    const before = this.#seen.get(key)
    const known = before?.state === state ? before.since : now
    // What was right until now was seen to be so a moment ago.
    const lastOkAt = isOk ? now : before?.lastOkAt
    const noted = { state, since: since ?? known, lastOkAt }
    seen.set(key, noted)
    return { since: noted.since, ...(!isOk && lastOkAt !== undefined && { lastOkAt }) }
  }
}

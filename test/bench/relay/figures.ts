import { median } from '../support/cpu.ts'

/** What was measured, by name; names end in their unit. */
export type Figures = Record<string, number>

/** Of each figure the median of all rounds. */
export function medians(rounds: readonly Figures[]): Figures {
  const names = new Set(rounds.flatMap(round => Object.keys(round)))
  return Object.fromEntries([...names].map(name => [name, median(rounds.map(round => round[name] ?? NaN))]))
}

/** Figures that say something about the bench itself, or about a moment: no ratio means anything. */
const NO_RATIO = new Set(['sourceBusy', 'sinkBusy', 'count', 'seconds', 'rssBeforeMiB', 'rssAfterMiB'])

/** Each figure as a multiple of another's, where both have it. */
export function ratios(figures: Figures, others: Figures): Figures {
  const result: Figures = {}
  for (const [name, value] of Object.entries(figures)) {
    const other = others[name]
    if (other === undefined || other <= 0 || NO_RATIO.has(name)) continue
    result[name] = rounded(value / other)
  }
  return result
}

/** Three digits: more would say more than is known. */
export const rounded = (value: number): number => Number(value.toPrecision(3))

export const roundedAll = (figures: Figures): Figures =>
  Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, rounded(value)]))

import type { PowerState } from '../../shared/api.ts'
import type { PowerFact } from './power-source.ts'

/** One way to ask the system. */
export interface PowerReader {
  /** What it may tell. */
  facts: readonly PowerFact[]
  /** How often it is asked, in milliseconds. */
  everyMs: number
  /** What it tells of the facts that are needed, and maybe of others; where it rejects, it tells nothing. */
  read: (needed: ReadonlySet<PowerFact>) => Promise<PowerState>
  /** Where something shows that the answer may be another: calls then; the returned function ends that. */
  listen?: (changed: () => void) => () => void
}

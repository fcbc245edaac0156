import type { PowerState } from '../../shared/api.ts'

/** One thing that the system may tell. */
export type PowerFact = keyof PowerState

/** What the system tells of battery, connection and screen. */
export interface PowerSource {
  state(): PowerState
  /** Calls after every change; the returned function ends that. */
  onChange(changed: () => void): () => void
  /**
   * Which facts the rules go by, in the place of those named before: the system is asked for no others. Resolves when
   * it was asked for each of them once; never rejects.
   */
  need(facts: ReadonlySet<PowerFact>): Promise<void>
  /** Of those, what the system was asked for and does not tell. */
  untold(): ReadonlySet<PowerFact>
}

/** Where nobody asks the system. */
export const unknownPower: PowerSource = {
  state: () => ({}),
  onChange: () => () => {},
  need: async () => {},
  untold: () => new Set()
}

import type { PowerState } from '../../shared/api.ts'

/** What the system tells of battery, connection and screen. */
export interface PowerSource {
  state(): PowerState
  /** Calls after every change; the returned function ends that. */
  onChange(changed: () => void): () => void
}

/** Where nobody tells. */
export const unknownPower: PowerSource = { state: () => ({}), onChange: () => () => {} }

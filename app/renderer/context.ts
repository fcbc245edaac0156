import { createContext } from 'svelte'
import type { NodeState } from './state/node.svelte.ts'
import type { Notices } from './state/notices.svelte.ts'
import type { Route } from './state/route.svelte.ts'
import type { Visibility } from './state/visibility.svelte.ts'

/** What every page may use. */
export interface AppContext {
  readonly node: NodeState
  readonly route: Route
  readonly notices: Notices
  readonly visibility: Visibility
}

export const [getApp, setApp] = createContext<AppContext>()

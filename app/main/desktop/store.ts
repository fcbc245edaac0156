import { ipcMain } from 'electron'
import ElectronStore from 'electron-store'
import { z } from 'zod'
import type { OpenStore } from '../settings/file.ts'
import { FRESH, type WindowState } from './window-state.ts'

/** Opens the settings file by electron-store: the same file and layout as with conf, its base class. */
export const openStore: OpenStore = ({ configName, ...options }) =>
  withoutListener(() => new ElectronStore({ ...options, name: configName }))

const WINDOW_STATE = z.object({
  bounds: z.object({ x: z.int(), y: z.int(), width: z.int().min(1), height: z.int().min(1) }).optional(),
  maximised: z.boolean().optional(),
  zoomFactor: z.number().min(0.25).max(5).optional(),
  told: z.record(z.string(), z.string()).optional()
})

export interface WindowStore {
  readonly state: WindowState
  save(change: Partial<WindowState>): void
  /** Remembers that the person was told of something, or that they may be told again. */
  tell(what: string, value: string | undefined): void
}

/**
 * `window.json` in the data folder: where the window was, and what it was told. What cannot be read counts as nothing; what
 * cannot be written is kept in memory and logged, because a window's place is not worth an error to the person.
 */
export function openWindowStore(
  dataDir: string,
  log: { warn(values: object, message: string): void }
): WindowStore {
  let state: WindowState = FRESH
  const open = (): ElectronStore<Record<string, unknown>> =>
    withoutListener(
      () =>
        new ElectronStore({ cwd: dataDir, name: 'window', clearInvalidConfig: true, configFileMode: 0o600 })
    )
  let store: ReturnType<typeof open> | undefined
  try {
    store = open()
    const read = WINDOW_STATE.safeParse(store.store)
    if (read.success) state = { ...FRESH, ...read.data }
  } catch (error) {
    log.warn({ err: error }, 'window.json cannot be read')
  }
  const save: WindowStore['save'] = change => {
    state = { ...state, ...change }
    try {
      store ??= open()
      store.store = { ...state }
    } catch (error) {
      log.warn({ err: error }, 'window.json cannot be written')
    }
  }
  return {
    get state() {
      return state
    },
    save,
    tell(what, value) {
      const others = Object.entries(state.told).filter(([key]) => key !== what)
      save({ told: Object.fromEntries(value === undefined ? others : [...others, [what, value]]) })
    }
  }
}

/** electron-store answers any renderer that asks where its files are; ours has no need to know. */
function withoutListener<T>(make: () => T): T {
  const store = make()
  ipcMain.removeAllListeners('electron-store-get-data')
  return store
}

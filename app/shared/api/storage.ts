import type { HistoryExport } from './figures.ts'

export interface StorageInfo {
  /** The data folder. */
  dir: string
  files: StoredFile[]
}

export interface StoredFile {
  /** Complete path of a file or folder. */
  path: string
  /** Stable word: `settings`, `identity`, `history`, `control-token`, `control`, `lock`, `window`, `other`. */
  kind: string
  bytes: number
  /** What is in it, a name for each field: `bytes relayed in each minute of the last day`. In English. */
  fields: string[]
}

/** All that this app stores of what it did and how it is set; of secrets only that there are some. */
export interface DataExport {
  format: 'waystation-data'
  formatVersion: 1
  madeAt: string
  /** Of Waystation. */
  version: string
  peerId: string
  /** Those of the settings file. */
  settings: Record<string, unknown>
  history: HistoryExport
  /** Every file, with what is in it. */
  storage: StorageInfo
  /** What is stored and not in here, a sentence each. */
  leftOut: string[]
}

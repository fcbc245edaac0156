import type { DataExport, HistoryExport, SettingsInfo, StorageInfo, StoredFile } from '../../shared/api.ts'

/** Kinds of files whose contents stay here, and what is said of them. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  identity: 'The identity key: `waystation identity export` makes an encrypted backup of it.',
  'control-token': 'The secret of the control API and the dashboard.',
  'auto-tls': 'The certificate of secure WebSocket and its private keys; they can be had anew.',
  control: 'Where the running node answers.',
  lock: 'The mark that the node runs.',
  window: 'Place and size of the window, and which notices were shown.',
  starts: 'The record of starts that updates go by.',
  chromium: 'What the window keeps: its cache and its own settings.',
  other: 'Files that Waystation did not make.'
}

interface Sources {
  /** Of Waystation. */
  version: string
  peerId: () => string
  settings: { describe(): SettingsInfo }
  figures: { exportHistory(): Promise<HistoryExport> }
  storage: () => Promise<StorageInfo>
}

/** All that is stored but keys, secrets and what only this machine can use; what is left out is said. */
export async function exportData(sources: Sources): Promise<DataExport> {
  const { version, peerId, settings, figures } = sources
  const inFile = settings.describe().settings.filter(({ from }) => from === 'file')
  const [history, storage] = await Promise.all([figures.exportHistory(), sources.storage()])
  return {
    format: 'waystation-data',
    formatVersion: 1,
    madeAt: new Date().toISOString(),
    version,
    peerId: peerId(),
    settings: Object.fromEntries(inFile.map(({ key, value }) => [key, value])),
    history,
    storage,
    leftOut: sentences(storage.files)
  }
}

function sentences(files: readonly StoredFile[]): string[] {
  const kinds = new Set(files.map(({ kind }) => kind))
  return Object.entries(LEFT_OUT).flatMap(([kind, sentence]) => (kinds.has(kind) ? sentence : []))
}

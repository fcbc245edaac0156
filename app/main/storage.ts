import { lstat, readdir } from 'node:fs/promises'
import path from 'node:path'
import type { StorageInfo, StoredFile } from '../shared/api.ts'
import { systemCode } from '../shared/errors.ts'
import { CONTROL_FILE, TOKEN_FILE } from './control-access.ts'
import { identityFileIn, LOCK_FILE } from './data-folder.ts'
import { HISTORY_FOLDER } from './figures.ts'
import { TALLY_FIELDS } from './observe/history/amounts.ts'
import { isCopyOf } from './observe/history/folders.ts'
import { AUTO_TLS_FOLDER } from './relay/auto-tls/files.ts'

export interface StoragePlaces {
  dataDir: string
  /** The settings file and the key may lie elsewhere (--config, --identity). */
  settingsFile: string
  identityFile: string
}

/** Keys in the settings file, as they stand there. */
export interface StorageContents {
  settingsInFile: readonly string[]
}

type Described = Pick<StoredFile, 'kind' | 'fields'>

const amounts = Object.values(TALLY_FIELDS)
const HISTORY = [
  ...['each minute of the last day', 'each hour of the last 90 days', 'each day'].flatMap(period =>
    amounts.map(amount => `${amount}, in ${period}`)
  ),
  ...['each month', 'all the time since the history began'].flatMap(period =>
    amounts.filter(amount => amount !== TALLY_FIELDS.peers).map(amount => `${amount}, in ${period}`)
  ),
  'when the history began',
  'whether the node is paused, and until when',
  'which quotas hold the node, and until when',
  'of each day and month that had a quota: its limit, and which traffic it counted',
  'of figures that were deleted, the traffic that the quotas still count',
  'the version of the format, and a sum against damage'
]

const BY_NAME: Readonly<Record<string, Described>> = {
  [HISTORY_FOLDER]: { kind: 'history', fields: HISTORY },
  [TOKEN_FILE]: {
    kind: 'control-token',
    fields: ['the secret that opens the control API and the dashboard']
  },
  [CONTROL_FILE]: {
    kind: 'control',
    fields: ['where the control API answers', 'number of the process', 'version of Waystation']
  },
  [AUTO_TLS_FOLDER]: {
    kind: 'auto-tls',
    fields: [
      'the certificate of secure WebSocket and its private key',
      'the private key of the account at the certificate authority'
    ]
  },
  [LOCK_FILE]: {
    kind: 'lock',
    fields: ['number of the process', 'when the mark was made', 'when the process was started']
  },
  'window.json': {
    kind: 'window',
    fields: [
      'place and size of the window',
      'whether it is maximised',
      'zoom',
      'which notices and notifications were shown, and when or for what'
    ]
  },
  'starts.json': {
    kind: 'starts',
    fields: [
      'the version of the app, how many of its starts failed, and whether one went well',
      'the version before and the one being installed, and where their installers are'
    ]
  },
  chromium: { kind: 'chromium', fields: ['what the window keeps: its cache and its own settings'] }
}

const KEY_FIELDS = ['the private key that the peer id belongs to']

/** What the node keeps on the disk; what others put into its folder is listed as `other`. */
export async function storageOf(
  { dataDir, settingsFile, identityFile }: StoragePlaces,
  { settingsInFile }: StorageContents
): Promise<StorageInfo> {
  const names = await readdir(dataDir)
  const paths = new Set([settingsFile, identityFile, ...names.map(name => path.join(dataDir, name))])
  const describe = (file: string): Described => {
    if (file === settingsFile)
      return { kind: 'settings', fields: ['version of the format', ...settingsInFile] }
    if (file === identityFile) return { kind: 'identity', fields: KEY_FIELDS }
    return describeByName(path.basename(file), path.basename(settingsFile), path.basename(identityFile))
  }
  const files = await Promise.all(
    [...paths].map(async file => {
      const bytes = await sizeOf(file)
      return bytes === undefined ? undefined : { path: file, ...describe(file), bytes }
    })
  )
  return { dir: dataDir, files: files.filter(file => file !== undefined) }
}

function describeByName(name: string, settingsName: string, identityName: string): Described {
  const known = Object.hasOwn(BY_NAME, name) ? BY_NAME[name] : undefined
  if (known !== undefined) return known
  if (isCopyOf(HISTORY_FOLDER, name))
    return { kind: 'history', fields: HISTORY.map(field => `as it was before: ${field}`) }
  if (name.startsWith(`${settingsName}.v`))
    return { kind: 'settings', fields: ['the settings as an older version wrote them'] }
  // A key that was never the one of --identity is a key all the same.
  const key = [identityName, path.basename(identityFileIn(''))].find(each => name.startsWith(each))
  if (key !== undefined) return { kind: 'identity', fields: ['the private key of before'] }
  return { kind: 'other', fields: [] }
}

/** Bytes of a file, or of all files in a folder; undefined if there is none, or if it went meanwhile. */
async function sizeOf(file: string): Promise<number | undefined> {
  try {
    const stats = await lstat(file)
    if (!stats.isDirectory()) return stats.size
    const inside = await Promise.all((await readdir(file)).map(name => sizeOf(path.join(file, name))))
    return inside.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

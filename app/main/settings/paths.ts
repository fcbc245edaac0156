import { homedir } from 'node:os'
import path from 'node:path'
import { AppError, messageOf } from '../../shared/errors.ts'
import type { Environment } from './environment.ts'

const FOLDER = 'waystation'
const HOMELESS =
  'There is no home folder to keep the key and the settings in. Say where with --data-dir DIR (or WAYSTATION_DATA_DIR).'

/**
 * The platform's usual folder, which is also Electron's `userData` of an app called waystation, so that the
 * desktop app and the command share a key. systemd's `STATE_DIRECTORY=` goes first: a service's home is not its own.
 * Throws `data-folder-unusable` if there is no home folder.
 */
export function defaultDataDir(
  platform: NodeJS.Platform,
  env: Environment,
  home: string | undefined
): string {
  // systemd lists several folders with colons; the first is the one meant for state.
  const state = platform === 'linux' ? env['STATE_DIRECTORY']?.split(':')[0] : undefined
  if (state !== undefined && path.posix.isAbsolute(state)) return state

  if (platform === 'win32') {
    const roaming = env['APPDATA'] || (home && path.win32.join(home, 'AppData', 'Roaming'))
    return path.win32.join(required(roaming), FOLDER)
  }
  if (platform === 'darwin') return path.posix.join(required(home), 'Library', 'Application Support', FOLDER)
  // The XDG specification: a relative path is to be ignored.
  const config = env['XDG_CONFIG_HOME']
  if (config !== undefined && path.posix.isAbsolute(config)) return path.posix.join(config, FOLDER)
  return path.posix.join(required(home), '.config', FOLDER)
}

function required(folder: string | undefined): string {
  if (folder === undefined || folder === '') throw new AppError('data-folder-unusable', HOMELESS)
  return folder
}

/** The data folder of this run: `--data-dir`, `WAYSTATION_DATA_DIR` or the platform's usual one, absolute. */
export function resolveDataDir(given: string | undefined, env: Environment): string {
  const chosen = given ?? (env['WAYSTATION_DATA_DIR'] || undefined)
  return chosen === undefined ? defaultDataDir(process.platform, env, homeOf(env)) : path.resolve(chosen)
}

/** An empty HOME counts as none, where os.homedir() would answer with the empty text. */
function homeOf(env: Environment): string | undefined {
  const home = env[process.platform === 'win32' ? 'USERPROFILE' : 'HOME']
  if (home !== undefined) return home
  try {
    return homedir()
  } catch (error) {
    throw new AppError('data-folder-unusable', `${HOMELESS} (${messageOf(error)})`, {}, error)
  }
}

import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { AppError, messageOf, systemCode } from '../shared/errors.ts'
import { createClient, type ClientOptions, type ControlAccess, type ControlClient } from './api/client.ts'
import { CONTROL_FILE, TOKEN_FILE, type ControlFile } from './control-access.ts'
import { folderProblem, readLock } from './data-folder.ts'
import type { ProcessMark } from './process-start.ts'

export interface FindOptions extends ClientOptions {
  /** How long after its start a node may take to open its control API. */
  startMs?: number
  /** Milliseconds since 1970. */
  now?: () => number
  sleep?: (milliseconds: number) => Promise<void>
}

const START_MS = 15_000
const LOOK_AGAIN_MS = 100

/**
 * A client of the node that runs on a data folder.
 * @throws AppError not-running, not-authorised, control-unreachable, data-folder-unusable
 */
export async function connectControl(dataDir: string, options: FindOptions = {}): Promise<ControlClient> {
  const access = await findControl(dataDir, options)
  const stillRuns = async (): Promise<boolean> => (await readLock(path.resolve(dataDir)))?.pid === access.pid
  return createClient({ access, stillRuns }, options)
}

/**
 * The control API of the node that runs on a data folder; of one that is starting, once it is open. What a node that
 * was killed left behind is not taken for one.
 * @throws AppError not-running, control-unreachable (it runs, and serves no control API), data-folder-unusable
 */
async function findControl(dataDir: string, options: FindOptions): Promise<ControlAccess> {
  const { startMs = START_MS, now = Date.now, sleep = delay } = options
  const dir = path.resolve(dataDir)
  for (;;) {
    const running = await runningOn(dir)
    const control = await readControl(dir)
    // The lock is the process's own; the file may be that of one that was killed.
    if (control?.pid === running.pid) return { ...control, token: await readToken(dir) }
    if (now() - Date.parse(running.startedAt) > startMs) throw notServed(dir, running)
    await sleep(LOOK_AGAIN_MS)
  }
}

/** The process of the node that runs there. @throws AppError not-running, data-folder-unusable */
async function runningOn(dir: string): Promise<ProcessMark> {
  const running = await readLock(dir).catch((error: unknown) => {
    throw unreadable(dir, dir, error)
  })
  if (running !== undefined) return running
  const mend =
    'Start one with `waystation` (in a clone: `npm run relay`), or say where the node keeps its data with --data-dir DIR (or WAYSTATION_DATA_DIR).'
  throw new AppError('not-running', `No node runs on the data folder ${dir}. ${mend}`, { dir })
}

function notServed(dir: string, { pid }: ProcessMark): AppError {
  const message =
    `The node on the data folder ${dir} (pid ${pid}) serves no control API, which these commands need: ` +
    'its log says why, unless control.enabled is off. Start it with --control-enabled.'
  return new AppError('control-unreachable', message, { dir, pid })
}

async function readControl(dir: string): Promise<ControlFile | undefined> {
  const file = path.join(dir, CONTROL_FILE)
  const text = await readIfThere(dir, file)
  if (text === undefined) return undefined
  const content = parse(text)
  if (content !== undefined) return content
  const message = `${file} is not what a node writes there. Restart the node: it writes the file anew.`
  throw new AppError('control-unreachable', message, { file })
}

/** The token must not leave this machine, wherever the file points, unless it goes to whom a certificate names. */
const OURS = /^http:\/\/(127\.\d+\.\d+\.\d+|\[::1\]):\d{1,5}$/
const OURS_BY_TLS = /^https:\/\/(\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+\]):\d{1,5}$/
const FINGERPRINT = /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/

function parse(text: string): ControlFile | undefined {
  try {
    const { url, pid, version, certificate } = JSON.parse(text) as Record<string, unknown>
    if (typeof url !== 'string' || typeof pid !== 'number' || typeof version !== 'string') return undefined
    if (certificate === undefined) return OURS.test(url) ? { url, pid, version } : undefined
    if (typeof certificate !== 'string' || !FINGERPRINT.test(certificate)) return undefined
    return OURS_BY_TLS.test(url) ? { url, pid, version, certificate } : undefined
  } catch {
    return undefined
  }
}

async function readToken(dir: string): Promise<string> {
  const file = path.join(dir, TOKEN_FILE)
  const token = (await readIfThere(dir, file))?.trim()
  // A header takes no more than this, and a node makes no other.
  if (token !== undefined && /^[\x21-\x7e]+$/.test(token)) return token
  const message = `${file} holds no token, so the node would not listen. Restart the node: it makes a new one.`
  throw new AppError('not-authorised', message, { file })
}

async function readIfThere(dir: string, file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw unreadable(dir, file, error)
  }
}

function unreadable(dir: string, what: string, error: unknown): AppError {
  const code = systemCode(error)
  if (code === 'EACCES' || code === 'EPERM') {
    const mend = 'Run the command as the user who runs the node, or as root (sudo).'
    return new AppError('data-folder-unusable', `This user may not read ${what}. ${mend}`, { dir }, error)
  }
  if (error instanceof AppError) return error
  return folderProblem(dir, error instanceof Error ? error : new Error(messageOf(error)))
}

const delay = (milliseconds: number): Promise<void> =>
  new Promise(resolve => setTimeout(resolve, milliseconds))

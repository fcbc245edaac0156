import { randomBytes } from 'node:crypto'
import { chmod, readFile, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { AppError, systemCode } from '../shared/errors.ts'
import { folderProblem } from './data-folder.ts'
import { replaceWhole } from './relay/whole-file.ts'

/** Kept over restarts, so that Prometheus and scripts go on. */
export const TOKEN_FILE = 'control.token'
/** Where the running node answers; gone when it has stopped, left behind when it was killed. */
export const CONTROL_FILE = 'control.json'
const OWNER_ONLY = 0o600
const TOKEN = /^[A-Za-z0-9_-]{32,}$/

/** What the commands need to find a running node. */
export interface ControlFile {
  url: string
  pid: number
  version: string
  /** SHA-256 of its certificate (`AB:CD:…`), if it speaks TLS: that one is trusted, whoever signed it. */
  certificate?: string
}

/** The token of the data folder, made if there is none. @throws AppError data-folder-unusable, disk-full */
export async function loadOrCreateToken(dir: string): Promise<{ token: string; warning?: string }> {
  const file = path.join(dir, TOKEN_FILE)
  try {
    const text = await readIfThere(file)
    if (text !== undefined && TOKEN.test(text.trim())) {
      return { token: text.trim(), ...(await closeToOthers(file)) }
    }
    const token = randomBytes(32).toString('base64url')
    await replaceWhole(file, `${token}\n`, OWNER_ONLY)
    return { token }
  } catch (error) {
    throw problemWith(dir, file, error)
  }
}

/** Says where the node answers; the returned function takes that back. */
export async function writeControlFile(dir: string, content: ControlFile): Promise<() => Promise<void>> {
  const file = path.join(dir, CONTROL_FILE)
  try {
    await replaceWhole(file, `${JSON.stringify(content)}\n`, OWNER_ONLY)
  } catch (error) {
    throw problemWith(dir, file, error)
  }
  return () => rm(file, { force: true })
}

function problemWith(dir: string, file: string, error: unknown): AppError {
  if (systemCode(error) !== 'EISDIR') return folderProblem(dir, error)
  const message = `${file} is a folder, where the node keeps a file. Move it away, and start the node again.`
  return new AppError('data-folder-unusable', message, { dir, file }, error)
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** A copy or a careless chmod may have opened it. Windows has no such rights. */
async function closeToOthers(file: string): Promise<{ warning?: string }> {
  const { mode } = await stat(file)
  if (process.platform === 'win32' || (mode & 0o077) === 0) return {}
  await chmod(file, OWNER_ONLY)
  return {
    warning: `${file} could be read by others, and no longer can. Delete it before the next start to get a new one.`
  }
}

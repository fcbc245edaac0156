import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { systemCode } from '../shared/errors.ts'

const run = promisify(execFile)

/** Who wrote a file, so that another process which later got the same pid is not taken for it. */
export interface ProcessMark {
  pid: number
  /** When the mark was made, ISO 8601. */
  startedAt: string
  /** Identifies the process's start among all with this pid, in the platform's own terms; '' if unknown. */
  processStart: string
}

/** This process's mark, made now. */
export async function markOfThisProcess(): Promise<ProcessMark> {
  const startedAt = new Date().toISOString()
  const found = process.platform === 'win32' ? undefined : await lookUp(process.pid)
  return { pid: process.pid, startedAt, processStart: found?.start ?? '' }
}

/** Whether the process that made the mark still runs. In doubt it does: two nodes on one key are worse than none. */
export async function stillRuns(mark: ProcessMark): Promise<boolean> {
  if (!pidTaken(mark.pid)) return false
  // A container's node often has the same pid in each life; what was written before this life is not ours.
  if (mark.pid === process.pid && isBefore(mark.startedAt, performance.timeOrigin - CLOCK_SLACK_MS))
    return false
  const found = await lookUp(mark.pid)
  if (found === undefined) return true
  if (found.ended) return false
  if (found.startedMs !== undefined) return !isBefore(mark.startedAt, found.startedMs - CLOCK_SLACK_MS)
  return mark.processStart === '' || mark.processStart === found.start
}

/** Windows and macOS round start times, and clocks are set. */
const CLOCK_SLACK_MS = 2000

function isBefore(isoTime: string, ms: number): boolean {
  const parsed = Date.parse(isoTime)
  return Number.isFinite(parsed) && parsed < ms
}

function pidTaken(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it is there, and another user's.
    return systemCode(error) !== 'ESRCH'
  }
}

interface Found {
  /** Killed, and only waiting for its parent to take notice (a zombie): its pid still answers. */
  ended: boolean
  start?: string
  startedMs?: number
}

/** What the system tells of a process; undefined if it does not say. */
async function lookUp(pid: number): Promise<Found | undefined> {
  try {
    if (process.platform === 'linux') return await lookUpLinux(pid)
    if (process.platform === 'win32') return await lookUpWindows(pid)
    return await lookUpUnix(pid)
  } catch {
    return undefined
  }
}

async function lookUpLinux(pid: number): Promise<Found> {
  const found = parseStat(await readFile(`/proc/${pid}/stat`, 'utf8'))
  // Ticks count from the machine's boot, and the same count comes again after the next one.
  const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')
  return { ended: found.ended, start: `${bootId.trim()}:${found.ticks}` }
}

/** Fields 3 (state) and 22 (start time in ticks) of proc_pid_stat(5). */
export function parseStat(stat: string): { ended: boolean; ticks: string } {
  // Field 2 is the command's name in brackets, and may itself hold spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state = '', ticks = ''] = [fields[0], fields[19]]
  if (!/^\d+$/.test(ticks)) throw new Error('unexpected format of /proc/PID/stat')
  return { ended: state === 'Z' || state === 'X', ticks }
}

async function lookUpUnix(pid: number): Promise<Found> {
  // In the same language and time zone for every reader, since the answers are compared as texts.
  const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' }
  const { stdout } = await run('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { env, timeout: 5000 })
  const [state = '', ...start] = stdout.trim().split(/\s+/)
  if (start.length === 0) throw new Error('unexpected answer of ps')
  return { ended: state.startsWith('Z'), start: start.join(' ') }
}

async function lookUpWindows(pid: number): Promise<Found> {
  const script = `(Get-Process -Id ${pid}).StartTime.ToUniversalTime().ToString('o')`
  const args = ['-NoProfile', '-NonInteractive', '-Command', script]
  const { stdout } = await run('powershell.exe', args, { timeout: 10_000, windowsHide: true })
  const startedMs = Date.parse(stdout.trim())
  if (!Number.isFinite(startedMs)) throw new Error('unexpected answer of PowerShell')
  return { ended: false, startedMs }
}

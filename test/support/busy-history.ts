import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Amounts } from '../../app/shared/api.ts'
import { openHistory, type History } from '../../app/main/observe/history/history.ts'
import { FLUSH_SECONDS } from '../../app/main/observe/history/recorder.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const REASONS = [
  'per-ip-full',
  'total-full',
  'no-reservation',
  'per-peer-full',
  'rate',
  'denied',
  'target-gone'
]
const NETWORKS = ['/ipfs/kad/1.0.0', 'Chat']

export interface Simulation {
  /** Of the store. */
  dir: string
  days: number
  /** As the recorder does, unless given. */
  flushSeconds?: number
  restartEveryDays?: number
}

export interface Sizes {
  /** As files take it on the disk, sampled every hour. */
  mostBytes: number
  /** The same, within each twelfth of the time. */
  mostBytesByTwelfth: number[]
  /** At the end, open. */
  openBytes: number
  /** After it was closed. */
  closedBytes: number
  ever: Amounts
  /** Of the same increments, added up beside it. */
  expected: { toTarget: number; circuits: number; refusals: number; uptimeSeconds: number }
  warnings: string[]
}

/** Days of a node whose every figure differs every ten seconds. */
export async function simulate(simulation: Simulation): Promise<Sizes> {
  const { dir, days, flushSeconds = FLUSH_SECONDS, restartEveryDays = Infinity } = simulation
  const flushMs = flushSeconds * 1000
  let now = Date.parse('2026-01-01T00:00:00Z')
  const warnings: string[] = []
  const log = { info: () => {}, warn: (_: unknown, text: string) => void warnings.push(text) }
  const open = (): Promise<History> => openHistory({ log: log as never, now: () => now }, { dir })
  const random = pseudoRandom(1)
  const expected = { toTarget: 0, circuits: 0, refusals: 0, uptimeSeconds: 0 }
  const mostBytesByTwelfth = Array<number>(12).fill(0)
  const flushes = (days * DAY_MS) / flushMs
  let history = await open()
  for (let flush = 1; flush <= flushes; flush++) {
    const increments = busySeconds(random, flushSeconds)
    expected.toTarget += increments.bytes.toTarget
    expected.circuits += increments.circuits
    expected.refusals += Object.values(increments.refusals).reduce((sum, count) => sum + count, 0)
    expected.uptimeSeconds += increments.uptimeSeconds
    for (let peer = 0; peer < 3; peer++) history.peerSeen(`peer ${random(5000)}`)
    history.add(increments)
    now += flushMs
    await history.flush()
    if ((flush * flushMs) % HOUR_MS === 0) {
      const twelfth = Math.ceil((flush / flushes) * 12) - 1
      mostBytesByTwelfth[twelfth] = Math.max(mostBytesByTwelfth[twelfth] ?? 0, await diskBytes(dir))
    }
    if ((flush * flushMs) % (restartEveryDays * DAY_MS) === 0) {
      await history.close()
      history = await open()
    }
  }
  const { ever } = history.totals()
  const openBytes = await diskBytes(dir)
  await history.close()
  const mostBytes = Math.max(...mostBytesByTwelfth)
  return {
    mostBytes,
    mostBytesByTwelfth,
    openBytes,
    closedBytes: await diskBytes(dir),
    ever,
    expected,
    warnings
  }
}

function busySeconds(random: (below: number) => number, uptimeSeconds: number): Amounts {
  return {
    bytes: { toTarget: random(1e9), toSource: random(1e8) },
    traffic: { received: random(1e9), sent: random(1e9) },
    circuits: random(500),
    refusals: Object.fromEntries(REASONS.map(reason => [reason, random(1000)])),
    uptimeSeconds,
    networks: Object.fromEntries(
      NETWORKS.map(name => {
        return [name, { bytes: { toTarget: random(1e8), toSource: random(1e8) }, circuits: random(100) }]
      })
    ),
    heldSeconds: { schedule: random(2) }
  }
}

/** The same numbers in every run (Park and Miller). */
function pseudoRandom(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state * 48_271) % 2_147_483_647
    return Math.floor((state / 2_147_483_647) * below)
  }
}

/** What `du` says: whole blocks. LevelDB may remove a file in between. */
export async function diskBytes(dir: string): Promise<number> {
  const files = await readdir(dir)
  const sizes = await Promise.all(
    files.map(async name => ((await stat(path.join(dir, name)).catch(() => undefined))?.blocks ?? 0) * 512)
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

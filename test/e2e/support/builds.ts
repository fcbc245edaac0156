import { execFileSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { ROOT } from '../../support/package.ts'

/** What each build reads, and the file that it always writes. */
const BUILDS = {
  'build:renderer': {
    reads: ['app/renderer', 'app/shared', 'resources/icon.svg', 'vite.renderer.config.ts'],
    writes: 'out/renderer/index.html'
  },
  'build:desktop': {
    reads: ['app/main', 'app/preload', 'app/shared', 'vite.desktop.config.ts', 'package.json'],
    writes: 'out/desktop/index.js'
  }
}

/** Before the tests of the e2e project: builds what is older than its sources, so that they never test an old build. */
export default function buildWhatIsOld(): void {
  for (const [script, { reads, writes }] of Object.entries(BUILDS)) {
    const built = modifiedMs(path.join(ROOT, writes))
    if (reads.every(source => newestMs(path.join(ROOT, source)) < built)) continue
    execFileSync('npm', ['run', '--silent', script], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] })
  }
}

/** When it was last written; 0 if it is not there. */
function modifiedMs(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

/** Of all files in it; a deleted file shows in its folder's own time. */
function newestMs(at: string): number {
  const stats = statSync(at, { throwIfNoEntry: false })
  if (stats?.isDirectory() !== true) return stats?.mtimeMs ?? 0
  return Math.max(stats.mtimeMs, ...readdirSync(at).map(name => newestMs(path.join(at, name))))
}

import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import type { FirewallSystem } from './find.ts'

const PATIENCE_MS = 3_000
const MOST_BYTES = 4 * 1024 * 1024

/** This machine, as far as this user may look. */
export const thisSystem: FirewallSystem = {
  platform: process.platform,
  program: process.execPath,
  read: async file => readFile(file, 'utf8').catch(() => undefined),
  run: (command, args) =>
    new Promise(resolve => {
      const options = { timeout: PATIENCE_MS, maxBuffer: MOST_BYTES, windowsHide: true }
      // A code other than 0 is an answer too: `systemctl is-active` gives one.
      execFile(command, args, options, (_, stdout) => resolve(stdout === '' ? undefined : stdout))
    })
}

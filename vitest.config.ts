import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/support/longest-first.ts'

/**
 * unit: no sockets, no waiting. upstream: pins for the libraries' faults that we work around.
 * integration: real libp2p clients, on 127.0.0.1 and ::1 with free ports. steady: those of them that measure rates,
 * one at a time and after all others, so that these do not disturb them.
 * net: networks of their own, made of namespaces: needs root on Linux.
 * e2e: the desktop app on a screen, and what counts a page's processor time. pages: the renderer in a headless browser.
 * browser: clients in a real browser. system: what else needs a program or a right that not every machine has.
 */
const STEADY = ['shaping', 'long-path'].map(name => `test/integration/${name}.test.ts`)
const PAGES = 'test/e2e/dashboard-!(many-rows).test.ts'
/** What runs real processes, sockets and windows may meet a moment in which the machine is busy with something else. */
const secondChance = { retry: 1 }
/** Most of these wait more than they work. */
const waiting = { maxWorkers: 3 }
/** In a vitest that runs all of them, after those. */
const later = { sequence: { groupOrder: 3 } }
const minutes = (count: number): { testTimeout: number; hookTimeout: number } => ({
  testTimeout: count * 60_000,
  hookTimeout: count * 60_000
})

export default defineConfig({
  test: {
    projects: [
      // Modules are loaded once a worker, not once a file: a test that changes what others share takes it back.
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], isolate: false, ...waiting } },
      {
        test: {
          name: 'upstream',
          include: ['test/upstream/**/*.test.ts'],
          isolate: false,
          ...minutes(1),
          ...waiting
        }
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          exclude: STEADY,
          ...waiting,
          ...minutes(4),
          ...secondChance
        }
      },
      {
        test: {
          name: 'steady',
          include: STEADY,
          ...minutes(4),
          maxWorkers: 1,
          ...secondChance,
          sequence: { groupOrder: 1 }
        }
      },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          ...minutes(2),
          ...secondChance,
          ...later
        }
      },
      {
        test: {
          name: 'system',
          include: ['test/system/**/*.test.ts'],
          ...minutes(2),
          ...secondChance,
          ...later
        }
      },
      {
        test: {
          name: 'pages',
          include: [PAGES],
          globalSetup: 'test/e2e/support/builds.ts',
          ...minutes(3),
          ...secondChance,
          ...later
        }
      },
      { test: { name: 'net', include: ['test/net/**/*.test.ts'], ...minutes(4), ...secondChance, ...later } },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: [PAGES],
          globalSetup: 'test/e2e/support/builds.ts',
          ...minutes(3),
          ...secondChance,
          // One window at a time has the machine to itself.
          maxWorkers: 1,
          sequence: { groupOrder: 2 }
        }
      }
    ],
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst }
  }
})

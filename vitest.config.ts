import { defineConfig } from 'vitest/config'

/**
 * unit: no sockets, no waiting. upstream: pins for the libraries' faults that we work around.
 * integration: real libp2p clients, on 127.0.0.1 and ::1 with free ports. system: what needs a program or a right
 * that not every machine has.
 */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      {
        test: {
          name: 'upstream',
          include: ['test/upstream/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000
        }
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000
        }
      },
      {
        test: {
          name: 'system',
          include: ['test/system/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000
        }
      }
    ],
    pool: 'forks',
    maxWorkers: 2
  }
})

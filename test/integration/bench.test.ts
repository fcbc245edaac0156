import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { Report } from '../bench/relay/report.ts'
import { temporaryFolder } from '../support/command.ts'

const execute = promisify(execFile)
// From source, with little to do: that it measures is what is tested, not what.
const LITTLE = ['--entry', 'app/main/cli.ts', '--no-stock', '--rounds', '1', '--seconds', '0.2', '--mib', '8']

describe.runIf(process.platform === 'linux')('the bench of the relay', () => {
  it('measures a transfer beside the yardstick, and tells it as a table and as JSON', async () => {
    await using folder = await temporaryFolder()
    const json = path.join(folder.dir, 'bench.json')
    const only = ['--quick', '--only', 'tcp/1', '--after', '0.1', '--json', json]
    const { stdout } = await execute(process.execPath, ['test/bench/relay.ts', ...LITTLE, ...only])
    const { results, machine } = JSON.parse(await readFile(json, 'utf8')) as Report
    expect(machine.cores).toBeGreaterThan(0)
    expect(results.map(({ id }) => id)).toEqual(['tcp/1'])
    for (const { outcomes } of results)
      expect(outcomes.map(({ name }) => name)).toEqual(['pipe', 'waystation'])
    const transfer = results[0]?.outcomes[1]
    for (const figure of [
      'cpuPerGiB',
      'mibPerSecond',
      'rssBeforeMiB',
      'rssPeakMiB',
      'rssAfterMiB',
      'sinkBusy'
    ])
      expect(transfer?.figures[figure], figure).toBeGreaterThan(0)
    expect(transfer?.ratios['pipe']?.['mibPerSecond']).toBeGreaterThan(0)
    expect(stdout).toMatch(/tcp\/1 +pipe/)
  })
})

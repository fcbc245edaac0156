import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Those that take half a minute or more, the longest first; between two that work hard, one that waits. */
const LONGEST = [
  'integration/lifecycle',
  'integration/hostile',
  'integration/identity-cli',
  'integration/stalled-reader',
  'integration/figures',
  'integration/protocol-random',
  'integration/operate',
  'integration/operate-follow',
  'integration/protocol',
  'integration/command',
  'e2e/dashboard-live',
  'system/docker',
  'system/soak',
  'e2e/dashboard-accessible',
  'e2e/dashboard-trouble',
  'system/pack',
  'system/systemd',
  'browser/example',
  'browser/faults'
].map(name => `/test/${name}.test.ts`)

const groupOf = ({ project }: TestSpecification): number => project.config.sequence.groupOrder

function rankOf({ moduleId }: TestSpecification): number {
  const at = LONGEST.findIndex(name => moduleId.endsWith(name))
  return at < 0 ? LONGEST.length : at
}

/**
 * Vitest goes by what each file took the last time, and a fresh clone knows nothing of that: whatever takes long and
 * comes last is waited for alone.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.sort((a, b) => groupOf(a) - groupOf(b) || rankOf(a) - rankOf(b))
  }
}

import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { defaultsOf } from '../../app/shared/settings.ts'
import { findProgram, missing } from '../support/needs.ts'
import { ROOT } from '../support/package.ts'

const FILE = path.join(ROOT, 'resources/prometheus/waystation.yml')
const example = await readFile(FILE, 'utf8')

describe('the example for Prometheus', () => {
  it.skipIf(missing('promtool (Debian: prometheus)', findProgram('promtool') !== undefined))(
    'is a configuration that it accepts',
    async () => {
      const { stdout } = await promisify(execFile)('promtool', ['check', 'config', '--syntax-only', FILE])
      expect(stdout).toContain('is valid prometheus config file syntax')
    }
  )

  it('asks where the control API is', () => {
    expect(example).toContain(`127.0.0.1:${defaultsOf('server')['control.port']}`)
  })

  it('is what the guide shows', async () => {
    const guide = await readFile(path.join(ROOT, 'docs/server.md'), 'utf8')
    expect(guide).toContain(example.replace(/^#.*\n/, ''))
  })
})

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createStartRecord, type StartRecord } from '../../../app/main/desktop/start-record.ts'

let dataDir: string
let warnings: number
beforeEach(() => {
  vi.useFakeTimers()
  dataDir = mkdtempSync(path.join(tmpdir(), 'waystation-starts-'))
  warnings = 0
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(dataDir, { recursive: true })
})

function begin(version: string, dir = dataDir): StartRecord {
  const record = createStartRecord({ log: { warn: () => void warnings++ } }, { dataDir: dir, version })
  record.start()
  return record
}
/** A start that goes well, and one that does not come so far. */
const well = (version: string): void => {
  const record = begin(version)
  record.nodeRuns()
  record.quit()
}
const badly = (version: string): void => begin(version).stop()

describe('the record of starts', () => {
  it('offers the version before after two failed starts, not after one', () => {
    well('1.0.0')
    badly('1.1.0')
    expect(begin('1.1.0').offer).toBeUndefined()
    expect(begin('1.1.0').offer).toEqual({ version: '1.0.0' })
  })

  it('offers nothing to who has had no other version', () => {
    for (let n = 0; n < 3; n++) badly('1.0.0')
    expect(begin('1.0.0').offer).toBeUndefined()
  })

  it('forgets failures after a start that went well', () => {
    well('1.0.0')
    badly('1.1.0')
    badly('1.1.0')
    well('1.1.0')
    badly('1.1.0')
    expect(begin('1.1.0').offer).toBeUndefined()
  })

  it('takes a minute with a running node for a good start, whatever ends it then', () => {
    well('1.0.0')
    badly('1.1.0')
    const record = begin('1.1.0')
    record.nodeRuns()
    vi.advanceTimersByTime(59_000)
    expect(begin('1.1.0').offer).toEqual({ version: '1.0.0' })
  })

  it('counts anew after that minute', () => {
    well('1.0.0')
    badly('1.1.0')
    badly('1.1.0')
    begin('1.1.0').nodeRuns()
    vi.advanceTimersByTime(61_000)
    badly('1.1.0')
    expect(begin('1.1.0').offer).toBeUndefined()
  })

  it('does not take it for a good start that the person quit a node that never ran', () => {
    well('1.0.0')
    begin('1.1.0').quit()
    begin('1.1.0').quit()
    expect(begin('1.1.0').offer).toEqual({ version: '1.0.0' })
  })

  it('knows where the installer of the version before is, if an update brought this one', () => {
    const old = begin('1.0.0')
    old.nodeRuns()
    old.installing('1.1.0', 'https://example.org/Waystation-1.0.0.AppImage')
    badly('1.1.0')
    badly('1.1.0')
    expect(begin('1.1.0').offer).toEqual({
      version: '1.0.0',
      url: 'https://example.org/Waystation-1.0.0.AppImage'
    })
  })

  it('passes over a version that never ran well', () => {
    well('1.0.0')
    badly('1.1.0')
    badly('1.2.0')
    badly('1.2.0')
    expect(begin('1.2.0').offer).toEqual({ version: '1.0.0' })
  })

  it('offers nothing when the person has gone back', () => {
    well('1.0.0')
    badly('1.1.0')
    badly('1.1.0')
    badly('1.0.0')
    badly('1.0.0')
    expect(begin('1.0.0').offer).toBeUndefined()
  })

  it('starts all the same with a broken file, and with a folder that cannot be written', () => {
    writeFileSync(path.join(dataDir, 'starts.json'), '{"version": 7')
    expect(begin('1.0.0').offer).toBeUndefined()
    const inTheWay = path.join(dataDir, 'starts.json', 'below')
    expect(begin('1.0.0', inTheWay).offer).toBeUndefined()
    expect(warnings).toBe(1)
  })

  it('leaves no temporary files', () => {
    well('1.0.0')
    expect(readdirSync(dataDir)).toEqual(['starts.json'])
  })
})

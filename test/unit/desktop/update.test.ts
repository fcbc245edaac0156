import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AppError } from '../../../app/shared/errors.ts'
import type { UpdateInfo } from '../../../app/shared/shell.ts'
import type { FoundUpdate } from '../../../app/main/desktop/update-engine.ts'
import type { UpdateSupport } from '../../../app/main/desktop/update-support.ts'
import { createUpdates, type Updates } from '../../../app/main/desktop/update.ts'
import { createBus } from './fake-events.ts'

const DAY_MS = 86_400_000
const NEW: FoundUpdate = { version: '2.0.0', currentUrl: 'https://example.org/Waystation-1.0.0.AppImage' }

describe('updates', () => {
  const bus = createBus()
  let wanted: boolean
  let done: string[]
  let states: UpdateInfo['state'][]
  let outcome: { check: () => FoundUpdate | undefined; download: () => void; install: () => void }
  let updates: Updates

  const open = (support: UpdateSupport = { kind: 'install' }, previous?: string): void => {
    const step = (name: string) => async (): Promise<void> => void done.push(name)
    updates = createUpdates(
      {
        engine:
          support.kind === 'none'
            ? undefined
            : {
                check: async () => {
                  done.push('check')
                  return outcome.check()
                },
                download: async onPercent => {
                  done.push('download')
                  for (const percent of [10.2, 10.9, 50]) onPercent(percent)
                  outcome.download()
                },
                install: async () => {
                  done.push('install')
                  outcome.install()
                }
              },
        wanted: () => wanted,
        listen: bus.listen,
        changed: info => states.push(info.state),
        available: version => done.push(`tell ${version}`),
        stopNode: step('stop the node'),
        startNode: step('start the node'),
        openExternal: async url => void done.push(`open ${url}`),
        starts: {
          installing: (version, url) => done.push(`note ${version} ${url}`),
          offer: previous === undefined ? undefined : { version: previous }
        },
        getPrevious: async ({ version }) => void done.push(`get ${version}`),
        log: { info: () => undefined, warn: () => undefined }
      },
      { support }
    )
  }

  beforeEach(() => {
    vi.useFakeTimers()
    wanted = true
    done = []
    states = []
    outcome = { check: () => NEW, download: () => undefined, install: () => undefined }
  })
  afterEach(() => {
    updates.stop()
    vi.useRealTimers()
  })

  it('looks a minute after the start, then daily, and tells what it finds', async () => {
    open()
    updates.start()
    expect(done).toEqual([])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(done).toEqual(['check', 'tell 2.0.0'])
    expect(updates.info).toMatchObject({ state: 'available', version: '2.0.0' })
    await vi.advanceTimersByTimeAsync(2 * DAY_MS)
    expect(done.filter(step => step === 'check')).toHaveLength(3)
    expect(done).not.toContain('download')
  })

  it('asks nobody while the person does not want it, and runs no timer', async () => {
    wanted = false
    open()
    updates.start()
    await vi.advanceTimersByTimeAsync(2 * DAY_MS)
    expect(done).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
    expect(updates.info.state).toBe('off')
  })

  it('begins when the setting goes on, and ends when it goes off', async () => {
    wanted = false
    outcome.check = () => undefined
    open()
    updates.start()
    wanted = true
    bus.emit('settings-changed')
    await vi.advanceTimersByTimeAsync(1)
    expect(done).toEqual(['check'])
    expect(updates.info.state).toBe('idle')
    bus.emit('settings-changed')
    await vi.advanceTimersByTimeAsync(1)
    expect(done).toEqual(['check'])
    wanted = false
    bus.emit('settings-changed')
    expect(updates.info.state).toBe('off')
    await vi.advanceTimersByTimeAsync(2 * DAY_MS)
    expect(done).toEqual(['check'])
  })

  it('looks once when the person asks, whatever the setting says', async () => {
    wanted = false
    outcome.check = () => undefined
    open()
    expect(await updates.check()).toEqual({ state: 'idle' })
    expect(done).toEqual(['check'])
  })

  it('says why it could not look, and tries again the next day', async () => {
    outcome.check = () => {
      throw new AppError('update-failed', 'No network.')
    }
    open()
    updates.start()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(updates.info).toEqual({ state: 'failed', cause: 'No network.' })
    outcome.check = () => NEW
    await vi.advanceTimersByTimeAsync(DAY_MS)
    expect(updates.info.state).toBe('available')
  })

  it('downloads, notes the way back, drains the node, and only then installs', async () => {
    open()
    await updates.check()
    await updates.install()
    expect(done.slice(2)).toEqual(['download', `note 2.0.0 ${NEW.currentUrl}`, 'stop the node', 'install'])
    expect(states).toEqual(['checking', 'available', 'downloading', 'downloading', 'downloading', 'ready'])
  })

  it('leaves the node alone when what was downloaded is not signed, and can be tried again', async () => {
    outcome.download = () => {
      throw new AppError('update-unverified', 'Not signed.')
    }
    open()
    await updates.check()
    await expect(updates.install()).rejects.toMatchObject({ code: 'update-unverified' })
    expect(done).not.toContain('stop the node')
    expect(updates.info).toMatchObject({ state: 'failed', version: '2.0.0', cause: 'Not signed.' })
    outcome.download = () => undefined
    await updates.install()
    expect(done.at(-1)).toBe('install')
  })

  it('starts the node again when the new version could not be put in place', async () => {
    outcome.install = () => {
      throw new AppError('file-unwritable', 'The folder is read-only.')
    }
    open()
    await updates.check()
    await expect(updates.install()).rejects.toMatchObject({ code: 'file-unwritable' })
    expect(done.slice(-3)).toEqual(['stop the node', 'install', 'start the node'])
  })

  it('installs once when it is asked twice', async () => {
    open()
    await updates.check()
    await Promise.all([updates.install(), updates.install(), updates.check()])
    expect(done.filter(step => step === 'install' || step === 'check')).toEqual(['check', 'install'])
  })

  it('shows where to get it, with the reason, where installing is not ours', async () => {
    open({ kind: 'notify', cause: 'A package.', page: 'https://example.org/' })
    await updates.check()
    expect(updates.info).toEqual({
      state: 'available',
      version: '2.0.0',
      cause: 'A package.',
      url: 'https://example.org/'
    })
    await updates.install()
    expect(done.slice(2)).toEqual(['open https://example.org/'])
  })

  it('has nothing to install before something was found', async () => {
    open()
    await expect(updates.install()).rejects.toMatchObject({ code: 'update-failed' })
  })

  it('says why there are no updates from a clone', async () => {
    open({ kind: 'none', cause: 'Started from its source.' })
    updates.start()
    expect(await updates.check()).toEqual({ state: 'unsupported', cause: 'Started from its source.' })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('offers the version before, if there is reason to', async () => {
    open()
    await expect(updates.offerPrevious()).rejects.toMatchObject({ code: 'update-failed' })
    open({ kind: 'install' }, '0.9.0')
    expect(updates.info.previous).toBe('0.9.0')
    await updates.offerPrevious()
    expect(done).toEqual(['get 0.9.0'])
  })

  it('stops twice, and looks no more', async () => {
    open()
    updates.start()
    updates.stop()
    updates.stop()
    await vi.advanceTimersByTimeAsync(2 * DAY_MS)
    expect(done).toEqual([])
    expect(bus.listeners()).toBe(0)
  })
})

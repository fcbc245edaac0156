import { describe, expect, it, vi } from 'vitest'
import { lacksDisplay } from '../../../app/main/desktop/display.ts'
import { Lifecycle, ReloadLimit } from '../../../app/main/desktop/lifecycle.ts'

function create() {
  const drained = Promise.withResolvers<void>()
  const drain = vi.fn((_seconds: number) => drained.promise)
  const stop = vi.fn(async () => undefined)
  const exit = vi.fn()
  const showEnding = vi.fn()
  const time = { now: 1000 }
  const log = { info: vi.fn(), warn: vi.fn() }
  const node = { drainSeconds: 30, drain, stop }
  const lifecycle = new Lifecycle({ node, exit, showEnding, log, now: () => time.now })
  return { lifecycle, drain, stop, exit, showEnding, time, finish: () => drained.resolve() }
}

const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

describe('quitting', () => {
  it('lets circuits finish, then stops the node, then ends the app', async () => {
    const { lifecycle, drain, stop, exit, showEnding, finish } = create()
    lifecycle.quit()
    expect(drain).toHaveBeenCalledWith(30)
    expect(showEnding).toHaveBeenCalledOnce()
    await settled()
    expect(stop).not.toHaveBeenCalled()
    expect(lifecycle.isEnded).toBe(false)
    finish()
    await settled()
    expect(stop).toHaveBeenCalledOnce()
    expect(exit).toHaveBeenCalledWith(0)
    expect(lifecycle.isEnded).toBe(true)
  })

  it('ends at once when it is asked for again', async () => {
    const { lifecycle, stop, exit, time } = create()
    lifecycle.quit()
    time.now += 600
    lifecycle.quit()
    await settled()
    expect(stop).toHaveBeenCalledOnce()
    expect(exit).toHaveBeenCalledWith(0)
  })

  it('takes what comes twice within a moment for one: a Ctrl-C under npm', async () => {
    const { lifecycle, stop, exit, time } = create()
    lifecycle.quit()
    time.now += 50
    lifecycle.quit()
    await settled()
    expect(stop).not.toHaveBeenCalled()
    expect(exit).not.toHaveBeenCalled()
  })

  it('ends the app also where the node cannot drain', async () => {
    const { lifecycle, drain, exit } = create()
    drain.mockRejectedValue(new Error('no'))
    lifecycle.quit(5)
    await settled()
    expect(drain).toHaveBeenCalledWith(5)
    expect(exit).toHaveBeenCalledWith(0)
  })

  it('does not wait for circuits when the system goes down', async () => {
    const { lifecycle, drain, stop, exit } = create()
    lifecycle.endNow()
    await settled()
    expect(drain).not.toHaveBeenCalled()
    expect(stop).toHaveBeenCalledOnce()
    expect(exit).toHaveBeenCalledWith(0)
  })
})

describe('a window that crashes', () => {
  it('is loaded again three times a minute', () => {
    const limit = new ReloadLimit()
    expect([0, 1000, 2000, 3000].map(at => limit.allows(at))).toEqual([true, true, true, false])
    expect(limit.allows(70_000)).toBe(true)
  })

  it('starts anew when the person said so', () => {
    const limit = new ReloadLimit()
    for (const at of [0, 1, 2, 3]) limit.allows(at)
    limit.reset()
    expect(limit.allows(4)).toBe(true)
  })
})

describe('a machine without a display', () => {
  it('is one of Linux that names none', () => {
    expect(lacksDisplay('linux', {}, [])).toBe(true)
    expect(lacksDisplay('linux', { DISPLAY: '' }, [])).toBe(true)
    expect(lacksDisplay('linux', { DISPLAY: ':0' }, [])).toBe(false)
    expect(lacksDisplay('linux', { WAYLAND_DISPLAY: 'wayland-0' }, [])).toBe(false)
    expect(lacksDisplay('linux', {}, ['--ozone-platform=headless'])).toBe(false)
    expect(lacksDisplay('darwin', {}, [])).toBe(false)
  })
})

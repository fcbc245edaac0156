import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Status } from '../../../app/shared/api.ts'
import {
  createNotifications,
  type Notifications,
  type NotificationsComponents
} from '../../../app/main/desktop/notifications.ts'
import { textsFor } from '../../../app/main/desktop/texts.ts'
import { everRelayed, statusWith } from '../../support/tray-view.ts'
import { createBus } from './fake-events.ts'

class FakeNotification extends EventEmitter {
  static shown: FakeNotification[] = []
  static supported = true
  static isSupported = (): boolean => FakeNotification.supported
  closed = false
  readonly title: string
  constructor({ title = '' }: { title?: string }) {
    super()
    this.title = title
  }
  show(): void {
    FakeNotification.shown.push(this)
  }
  close(): void {
    this.closed = true
  }
}

const texts = textsFor('en')
const said = texts.notifications
const titles = (): string[] => FakeNotification.shown.map(({ title }) => title)

describe('notifications', () => {
  const bus = createBus()
  let told: Map<string, string>
  let settings: ReturnType<NotificationsComponents['settings']>
  let status: Status
  let opened: (string | undefined)[]
  let notifications: Notifications

  const open = (): void => {
    notifications = createNotifications(
      {
        Notification: FakeNotification as unknown as NotificationsComponents['Notification'],
        status: async () => status,
        listen: bus.listen,
        settings: () => settings,
        openWindow: page => opened.push(page),
        told: {
          get: what => told.get(what),
          set: (what, value) => void (value === undefined ? told.delete(what) : told.set(what, value))
        },
        log: { warn: () => undefined }
      },
      { texts }
    )
    notifications.start()
  }
  const settle = (ms = 1): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)
  const mapping = (state: 'failed' | 'mapped' | 'searching', code?: string): void =>
    bus.emit('mapping-changed', { state, ...(code !== undefined && { code }), ports: [] })

  beforeEach(() => {
    vi.useFakeTimers()
    FakeNotification.shown = []
    told = new Map()
    opened = []
    status = statusWith({ ...everRelayed(1), relayedConnections: 1 })
    settings = {
      'notify.firstCircuit': true,
      'notify.mapping': true,
      'notify.quota': true,
      'notify.update': true,
      upnp: true
    }
    open()
  })
  afterEach(() => {
    notifications.stop()
    vi.useRealTimers()
  })

  it('tells of the first circuit ever, once, and a click opens its page', async () => {
    bus.emit('circuit-accepted')
    bus.emit('circuit-accepted')
    await settle()
    bus.emit('circuit-accepted')
    await settle()
    expect(titles()).toEqual([said.firstCircuit.title])
    FakeNotification.shown[0]!.emit('click')
    expect(opened).toEqual(['overview'])
  })

  it('takes several that come at once for the first', async () => {
    status = statusWith({ ...everRelayed(3), relayedConnections: 3 })
    bus.emit('circuit-accepted')
    await settle()
    expect(titles()).toEqual([said.firstCircuit.title])
  })

  it('tells of no first circuit to who relayed some in an earlier run, nor after the history was deleted', async () => {
    status = statusWith({ ...everRelayed(10), relayedConnections: 1 })
    bus.emit('circuit-accepted')
    await settle()
    status = statusWith({ ...everRelayed(1), relayedConnections: 1 })
    bus.emit('circuit-accepted')
    await settle()
    expect(titles()).toEqual([])
  })

  it('tells of a router that refuses after a minute, once for each cause until it worked again', async () => {
    mapping('failed', 'refused')
    await settle(59_000)
    expect(titles()).toEqual([])
    await settle(2000)
    mapping('searching')
    mapping('failed', 'refused')
    await settle(61_000)
    expect(titles()).toHaveLength(1)
    mapping('failed', 'conflict')
    await settle(61_000)
    expect(titles()).toHaveLength(2)
    mapping('mapped')
    mapping('failed', 'conflict')
    await settle(61_000)
    expect(titles()).toHaveLength(3)
  })

  it('keeps quiet about a router that came back within the minute', async () => {
    mapping('failed', 'no-answer')
    await settle(30_000)
    mapping('mapped')
    await settle(120_000)
    expect(titles()).toEqual([])
  })

  it('remembers the cause over a restart', async () => {
    mapping('failed', 'refused')
    await settle(61_000)
    notifications.stop()
    open()
    mapping('failed', 'refused')
    await settle(61_000)
    expect(titles()).toHaveLength(1)
  })

  it('tells once a month that the quota is used up', () => {
    bus.emit('mode-changed', { mode: 'held', rule: 'quota-month', until: '2026-12-01T00:00:00Z' })
    bus.emit('mode-changed', {
      mode: 'held',
      rule: 'quota-month',
      until: '2026-12-01T00:00:00Z',
      circuitsLeft: 1
    })
    bus.emit('mode-changed', { mode: 'open' })
    bus.emit('mode-changed', { mode: 'held', rule: 'quota-month', until: '2027-01-01T00:00:00Z' })
    expect(titles()).toEqual([said.quota.title, said.quota.title])
  })

  it('tells of each version once, and that the window’s closing ends nothing once ever', () => {
    notifications.updateAvailable('2.0.0')
    notifications.updateAvailable('2.0.0')
    notifications.updateAvailable('2.1.0')
    notifications.stillRunning()
    notifications.stillRunning()
    expect(titles()).toEqual([
      said.update('2.0.0').title,
      said.update('2.1.0').title,
      said.stillRunning.title
    ])
  })

  it('obeys each setting as it is at that moment', async () => {
    settings = {
      ...settings,
      'notify.firstCircuit': false,
      'notify.mapping': false,
      'notify.quota': false,
      'notify.update': false
    }
    bus.emit('circuit-accepted')
    mapping('failed', 'refused')
    bus.emit('mode-changed', { mode: 'held', rule: 'quota-month', until: '2026-12-01T00:00:00Z' })
    notifications.updateAvailable('2.0.0')
    await settle(61_000)
    expect(titles()).toEqual([])
    settings = { ...settings, 'notify.update': true }
    notifications.updateAvailable('2.0.0')
    expect(titles()).toHaveLength(1)
  })

  it('takes nothing for told where the system shows no notifications', () => {
    FakeNotification.supported = false
    notifications.stillRunning()
    notifications.updateAvailable('2.0.0')
    FakeNotification.supported = true
    expect(titles()).toEqual([])
    notifications.stillRunning()
    notifications.updateAvailable('2.0.0')
    expect(titles()).toEqual([said.stillRunning.title, said.update('2.0.0').title])
  })

  it('tells nothing of the router while mapping is switched off', async () => {
    settings = { ...settings, upnp: false }
    mapping('failed', 'refused')
    await settle(61_000)
    expect(titles()).toEqual([])
  })

  it('stops twice, takes its notifications back, and hears nothing any more', async () => {
    notifications.updateAvailable('2.0.0')
    mapping('failed', 'refused')
    notifications.stop()
    notifications.stop()
    await settle(61_000)
    expect(FakeNotification.shown).toHaveLength(1)
    expect(FakeNotification.shown[0]!.closed).toBe(true)
    expect(bus.listeners()).toBe(0)
  })
})

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Status } from '../../../app/shared/api.ts'
import { textsFor } from '../../../app/main/desktop/texts.ts'
import {
  panelIsAlwaysDark,
  tooltipOf,
  trayIconName,
  trayLook,
  type TrayState,
  type TrayView
} from '../../../app/main/desktop/tray-state.ts'
import { reached, relayedToday, viewWith } from '../../support/tray-view.ts'

const ICONS = fileURLToPath(new URL('../../../resources/tray', import.meta.url))
const NOW = new Date(2026, 10, 21, 12, 0)
const en = textsFor('en-GB')
const look = (view: TrayView, locale = 'en-GB'): ReturnType<typeof trayLook> =>
  trayLook(view, textsFor(locale), locale, NOW)

const cases: [string, TrayView, TrayState, string][] = [
  ['an open node', viewWith(), 'relaying', 'Ready; nobody needs it right now'],
  [
    'one that relays',
    viewWith({ circuits: { running: 1, limit: 32 }, reservations: { held: 12, limit: 64 } }),
    'relaying',
    'Relaying: 1 circuit, 12 reservations'
  ],
  ['one not opted in', viewWith({ mode: { mode: 'off' } }), 'off', 'Off: relays for nobody'],
  ['a pause without end', viewWith({ mode: { mode: 'paused' } }), 'paused', 'Paused until resumed'],
  [
    'a pause of an hour',
    viewWith({ mode: { mode: 'paused', until: new Date(2026, 10, 21, 13, 0).toISOString() } }),
    'paused',
    'Paused until 13:00'
  ],
  [
    'a pause until tomorrow',
    viewWith({ mode: { mode: 'paused', until: new Date(2026, 10, 22, 0, 0).toISOString() } }),
    'paused',
    'Paused until Sunday 00:00'
  ],
  [
    'a quota that is used up',
    viewWith({ mode: { mode: 'held', rule: 'quota-month', until: '2026-12-25T00:13:00Z' } }),
    'paused',
    'Sleeps until 25 December: the quota of this month is used up'
  ],
  [
    'a battery that feeds it',
    viewWith({ mode: { mode: 'held', rule: 'battery' } }),
    'paused',
    'Sleeps: this computer runs on its battery'
  ],
  ['draining', viewWith({ mode: { mode: 'draining', circuitsLeft: 2 } }), 'paused', 'Finishing 2 circuits…'],
  [
    'handing over',
    viewWith({ mode: { mode: 'draining', circuitsLeft: 0, reservationsLeft: 3 } }),
    'paused',
    'Sending 3 clients on…'
  ],
  [
    'a fault',
    viewWith({ mode: { mode: 'open', fault: { code: 'port-in-use', message: 'Port 4001 is taken.' } } }),
    'trouble',
    en.state.fault
  ],
  ['a failed start', viewWith({}, { node: 'failed', status: undefined }), 'trouble', en.state.failed],
  ['a start', viewWith({}, { node: 'starting', status: undefined }), 'off', 'Starting…'],
  ['a node that opens', viewWith({ mode: { mode: 'open', starting: true } }), 'off', 'Starting…'],
  ['quitting', viewWith({}, { node: 'stopping' }), 'off', 'Stopping…'],
  ['no way in', viewWith(reached('broken')), 'trouble', 'Not reachable from outside'],
  ['addresses not yet tried', viewWith(reached('waiting')), 'relaying', en.state.idle],
  ['a node of this network alone', viewWith(reached('local')), 'relaying', en.state.idle]
]

describe('the state in the tray', () => {
  it.each(cases)('is told for %s', (_, view, state, line) => {
    expect(look(view)).toMatchObject({ state, line })
  })

  it('shows today’s bytes and circuits in the tooltip', () => {
    const today = look(viewWith(relayedToday(1_500_000, 3)))
    expect(tooltipOf(today, en)).toBe(
      'Waystation: Ready; nobody needs it right now\nToday: 1.5 MB, 3 circuits'
    )
  })

  it('says plainly that nothing was relayed today', () => {
    expect(look(viewWith()).today).toBe('Nothing relayed today')
  })

  it('speaks German where the system does, and English everywhere else', () => {
    expect(look(viewWith(relayedToday(1_500_000, 1)), 'de-AT')).toMatchObject({
      line: 'Bereit; gerade braucht es niemand',
      today: 'Heute: 1,5 MB, 1 Circuit'
    })
    expect(textsFor('fr')).toBe(textsFor('en'))
    expect(textsFor('den')).toBe(textsFor('en'))
  })
})

describe('the icon', () => {
  const states: TrayState[] = ['relaying', 'paused', 'off', 'trouble']
  const platforms = ['linux', 'win32', 'darwin'] as const
  const all = states.flatMap(state =>
    platforms.flatMap(platform => [true, false].map(dark => trayIconName(state, platform, dark)))
  )

  it.each([...new Set(all)])('%s is among the resources', name => {
    expect(existsSync(path.join(ICONS, name))).toBe(true)
  })

  it('differs by state and by panel, but on macOS, which colours it itself', () => {
    expect(new Set(all).size).toBe(4 * 2 + 4 * 2 + 4)
  })

  it.each([
    ['ubuntu:GNOME', true],
    ['KDE', false],
    [undefined, false],
    ['XFCE', false]
  ])('takes the panel of %s for always dark: %s', (desktop, dark) => {
    expect(panelIsAlwaysDark(desktop)).toBe(dark)
  })
})

/** Keeps the cases honest: every mode of a node has one. */
const modes: Record<Status['mode']['mode'], true> = {
  open: true,
  off: true,
  paused: true,
  held: true,
  draining: true
}
it('has a line for every mode', () => {
  const tried = new Set(cases.map(([, view]) => view.status?.mode.mode))
  for (const mode of Object.keys(modes)) expect(tried).toContain(mode)
})

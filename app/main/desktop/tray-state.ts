import type { Status } from '../../shared/api.ts'
import type { ShellInfo } from '../../shared/shell.ts'
import type { DesktopTexts } from './texts.ts'

/**
 * What the tray's icon tells. `trouble` is for what the person should do something about: a start that failed, a
 * fault, no address that is reached from outside. A rule of the budget that holds it is what they asked for, so that is a pause.
 */
export type TrayState = 'relaying' | 'paused' | 'off' | 'trouble'

/** What the tray is made from. Without `status` the node does not answer, or not yet. */
export interface TrayView {
  node: ShellInfo['node']
  status?: Status
  startAtLogin: ShellInfo['startAtLogin']
  update: ShellInfo['update']
}

export interface TrayLook {
  state: TrayState
  /** What the node does, in a line. */
  line: string
  /** What was relayed today, in a line. */
  today: string
}

export function trayLook(view: TrayView, texts: DesktopTexts, locale: string, now: Date): TrayLook {
  const { status } = view
  const today = status?.totals.today
  const bytes = (today?.bytes.toTarget ?? 0) + (today?.bytes.toSource ?? 0)
  const nothing = bytes === 0 && (today?.circuits ?? 0) === 0
  return {
    ...stateOf(view, texts, locale, now),
    today: nothing ? texts.nothingToday : texts.today(bytes, today?.circuits ?? 0)
  }
}

function stateOf(
  { node, status }: TrayView,
  texts: DesktopTexts,
  locale: string,
  now: Date
): { state: TrayState; line: string } {
  const say = texts.state
  if (node === 'failed') return { state: 'trouble', line: say.failed }
  if (node === 'stopping') return { state: 'off', line: say.stopping }
  if (node === 'starting' || status === undefined) return { state: 'off', line: say.starting }
  const { mode, until, fault, starting, circuitsLeft = 0, reservationsLeft = 0 } = status.mode
  if (fault !== undefined) return { state: 'trouble', line: say.fault }
  if (mode === 'off') return { state: 'off', line: say.off }
  if (mode === 'draining') {
    const isHandingOver = circuitsLeft === 0 && reservationsLeft > 0
    return {
      state: 'paused',
      line: isHandingOver ? say.handingOver(reservationsLeft) : say.draining(circuitsLeft)
    }
  }
  if (mode === 'held') {
    const why = say.held[status.mode.rule ?? 'quota-month']
    const end = until === undefined ? undefined : clockTime(new Date(until), locale, now)
    return { state: 'paused', line: say.sleeps(why, end) }
  }
  if (mode === 'paused') {
    const line = until === undefined ? say.paused : say.pausedUntil(clockTime(new Date(until), locale, now))
    return { state: 'paused', line }
  }
  if (starting === true) return { state: 'off', line: say.starting }
  if (status.reachability.health === 'broken') return { state: 'trouble', line: say.unreachable }
  const circuits = status.circuits.running
  const reservations = status.reservations.held
  const busy = circuits > 0 || reservations > 0
  return { state: 'relaying', line: busy ? say.relaying(circuits, reservations) : say.idle }
}

const WEEK_MS = 6 * 86_400_000

/** `14:30`, with the day if it is another one, and the date if that is far off. */
function clockTime(when: Date, locale: string, now: Date): string {
  const sameDay = when.toDateString() === now.toDateString()
  if (when.getTime() - now.getTime() > WEEK_MS) {
    return when.toLocaleDateString(locale, { day: 'numeric', month: 'long' })
  }
  const options: Intl.DateTimeFormatOptions = sameDay
    ? { hour: 'numeric', minute: '2-digit' }
    : { weekday: 'long', hour: 'numeric', minute: '2-digit' }
  return when.toLocaleString(locale, options)
}

/** Two lines, for where the pointer rests on the icon. */
export function tooltipOf({ line, today }: TrayLook, texts: DesktopTexts): string {
  return `${texts.app}: ${line}\n${today}`
}

/**
 * The icon's file name in resources/tray. macOS colours a template itself; `darkPanel` is about what the icon stands on.
 */
export function trayIconName(state: TrayState, platform: NodeJS.Platform, darkPanel: boolean): string {
  if (platform === 'darwin') return `tray-${state}Template.png`
  return `tray-${state}-${darkPanel ? 'dark' : 'light'}.${platform === 'win32' ? 'ico' : 'png'}`
}

/** The panels of these desktops are dark whatever the theme of the windows is. */
export function panelIsAlwaysDark(currentDesktop: string | undefined): boolean {
  return /\b(gnome|unity|pantheon)\b/i.test(currentDesktop ?? '')
}

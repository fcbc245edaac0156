import type { DesktopTexts } from './texts.ts'
import type { TrayLook, TrayView } from './tray-state.ts'

/** What can be chosen in the tray's menu. */
export type TrayAction =
  | 'open'
  | 'pause-hour'
  | 'pause-tomorrow'
  | 'pause-until-resumed'
  | 'resume'
  | 'start-at-login'
  | 'update'
  | 'quit'

/** An entry of the menu as data; `id` is also that of Electron's menu item. */
export interface TrayEntry {
  id: TrayAction | 'state' | 'today' | 'pause' | `separator-${number}`
  type: 'normal' | 'separator' | 'checkbox' | 'submenu'
  label?: string
  enabled?: boolean
  checked?: boolean
  submenu?: TrayEntry[]
}

/** The tray's menu: what the node does, then what can be done about it now. */
export function trayMenu(view: TrayView, look: TrayLook, texts: DesktopTexts): TrayEntry[] {
  return separated([
    [told('state', look.line), told('today', look.today)],
    modeEntries(view, texts),
    [...updateEntries(view, texts), entry('open', texts.open)],
    loginEntries(view, texts),
    [{ ...entry('quit', texts.quit), enabled: view.node !== 'stopping' }]
  ])
}

function modeEntries({ node, status }: TrayView, texts: DesktopTexts): TrayEntry[] {
  if (node !== 'running' || status === undefined) return []
  const { mode } = status.mode
  // A pause of a quota's sleep or of draining would change nothing.
  if (mode === 'paused') return [pauseMenu(texts), entry('resume', texts.resume)]
  return mode === 'open' ? [pauseMenu(texts)] : []
}

function pauseMenu(texts: DesktopTexts): TrayEntry {
  const submenu = [
    entry('pause-hour', texts.pauseHour),
    entry('pause-tomorrow', texts.pauseTomorrow),
    entry('pause-until-resumed', texts.pauseUntilResumed)
  ]
  return { id: 'pause', type: 'submenu', label: texts.pause, submenu }
}

function updateEntries({ update }: TrayView, texts: DesktopTexts): TrayEntry[] {
  const { state, version, cause } = update
  if (version === undefined || (state !== 'available' && state !== 'ready')) return []
  // A cause says why it has to be got by hand.
  return [entry('update', (cause === undefined ? texts.installUpdate : texts.getUpdate)(version))]
}

function loginEntries({ startAtLogin }: TrayView, texts: DesktopTexts): TrayEntry[] {
  if (!startAtLogin.supported) return []
  return [{ id: 'start-at-login', type: 'checkbox', label: texts.startAtLogin, checked: startAtLogin.on }]
}

const entry = (id: TrayAction, label: string): TrayEntry => ({ id, type: 'normal', label })
const told = (id: 'state' | 'today', label: string): TrayEntry => ({
  id,
  type: 'normal',
  label,
  enabled: false
})

function separated(groups: TrayEntry[][]): TrayEntry[] {
  const filled = groups.filter(group => group.length > 0)
  return filled.flatMap((group, index): TrayEntry[] =>
    index === 0 ? group : [{ id: `separator-${index}`, type: 'separator' }, ...group]
  )
}

/** Seconds until midnight, local time: how long "until tomorrow" is. */
export function secondsUntilTomorrow(now: Date): number {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1)
  return Math.max(1, Math.ceil((midnight.getTime() - now.getTime()) / 1000))
}

export interface Bounds {
  x: number
  y: number
  width: number
  height: number
}

export interface WindowState {
  bounds?: Bounds
  maximised: boolean
  zoomFactor: number
  /** What the person was told already (notifications.ts), so that it is not told again. */
  told: Readonly<Record<string, string>>
}

export const FRESH: WindowState = { maximised: false, zoomFactor: 1, told: {} }
export const USUAL = { width: 1100, height: 760 }
export const SMALLEST = { width: 640, height: 480 }

/** So much of the title bar must be on a screen that the window can be moved. */
const HANDLE_PIXELS = 64

/**
 * Where the window goes: its last place if that is still on a screen and can be moved from there, else the middle of
 * the first screen, in a size that fits. `screens` are work areas, the primary one first.
 */
export function placeOn(
  screens: readonly Bounds[],
  last: Bounds | undefined
): Partial<Bounds> & { width: number; height: number } {
  const [primary] = screens
  const screen = last === undefined ? undefined : screens.find(each => isReachable(last, each))
  const fit = (size: { width: number; height: number }, into: Bounds | undefined) => ({
    width: Math.max(SMALLEST.width, Math.min(size.width, into?.width ?? size.width)),
    height: Math.max(SMALLEST.height, Math.min(size.height, into?.height ?? size.height))
  })
  if (last === undefined || screen === undefined) return fit(last ?? USUAL, primary)
  return { x: last.x, y: last.y, ...fit(last, screen) }
}

function isReachable(window: Bounds, screen: Bounds): boolean {
  const shared = Math.min(window.x + window.width, screen.x + screen.width) - Math.max(window.x, screen.x)
  const top = window.y - screen.y
  return shared >= HANDLE_PIXELS && top >= 0 && top <= screen.height - HANDLE_PIXELS
}

const ZOOM_STEPS = [0.5, 0.67, 0.75, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 1.75, 2, 2.5, 3]

/** The next step of zoom in that direction; the same if there is none. */
export function zoomStep(now: number, direction: 'in' | 'out'): number {
  const next =
    direction === 'in'
      ? ZOOM_STEPS.find(step => step > now + 0.01)
      : ZOOM_STEPS.findLast(step => step < now - 0.01)
  return next ?? now
}

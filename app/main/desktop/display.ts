/** Electron itself says no more than "Missing X server". */
export const NO_DISPLAY =
  'There is no display to open a window on (DISPLAY and WAYLAND_DISPLAY are not set). Without a window: waystation --no-gui'

/** Whether a window cannot be opened here. Only Linux has machines without a display. */
export function lacksDisplay(
  platform: NodeJS.Platform,
  env: Readonly<Record<string, string | undefined>>,
  argv: readonly string[]
): boolean {
  if (platform !== 'linux' || env['DISPLAY'] || env['WAYLAND_DISPLAY']) return false
  // `--ozone-platform=headless` needs none.
  return !argv.some(word => word.startsWith('--ozone-platform=') || word === '--headless')
}

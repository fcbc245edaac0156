import type { PowerReader } from './power-reader.ts'
import { outputOf, type Run } from './run-program.ts'

const EVERY_MS = 30_000
const NO_WINDOW = '0x0'

export interface FullScreenComponents {
  run: Run
  /** The name of a process, as /proc/PID/comm has it. */
  readComm: (pid: string) => Promise<string | undefined>
}

/**
 * The program whose window is in front and fills the screen, by the hints that X11's window managers set (EWMH: _NET_ACTIVE_WINDOW,
 * _NET_WM_STATE), read with xprop. A Wayland session tells them of X11's programs alone, which most games are: there a
 * full screen can be seen, but not that there is none.
 */
export function fullScreenReader(
  { run, readComm }: FullScreenComponents,
  env: NodeJS.ProcessEnv
): PowerReader {
  const none = env['WAYLAND_DISPLAY'] ? {} : { fullScreenProgram: '' }
  return {
    facts: ['fullScreenProgram'],
    everyMs: EVERY_MS,
    read: async () => {
      const root = await outputOf(run, 'xprop', ['-root', '_NET_ACTIVE_WINDOW'])
      // No xprop, no screen, or no window manager that tells.
      const window = /window id # (0x[\da-f]+)/i.exec(root ?? '')?.[1]
      if (window === undefined) return {}
      if (window === NO_WINDOW) return none
      const properties = ['_NET_WM_STATE', 'WM_CLASS', '_NET_WM_PID']
      const text = await outputOf(run, 'xprop', ['-id', window, ...properties])
      // Closed since.
      if (text === undefined) return none
      if (!/^_NET_WM_STATE\(.*_NET_WM_STATE_FULLSCREEN\b/m.test(text)) return none
      const pid = /^_NET_WM_PID\(.*= (\d+)$/m.exec(text)?.[1]
      const comm = pid === undefined ? undefined : (await readComm(pid))?.trim()
      // The second part is the program's name by convention; a Windows program has one only as a process.
      const name = /^WM_CLASS\(.*"([^"]+)"$/m.exec(text)?.[1]
      const program = comm?.toLowerCase().endsWith('.exe') === true ? comm : (name ?? comm)
      return program === undefined || program === '' ? {} : { fullScreenProgram: program }
    }
  }
}

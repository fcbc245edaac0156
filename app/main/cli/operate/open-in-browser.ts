import { spawn } from 'node:child_process'

/** What each system has to open a URL with. Never a shell: the URL stays one argument. */
const OPENERS: Partial<Record<NodeJS.Platform, readonly [program: string, ...args: string[]]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler']
}
const ELSEWHERE = ['xdg-open'] as const
/** Some openers last as long as the browser that they start. */
const OPENED_AFTER_MS = 5_000

/** @throws Error that says why: there is no such program, or it failed */
export function openInBrowser(url: string, platform: NodeJS.Platform = process.platform): Promise<void> {
  const [program, ...args] = OPENERS[platform] ?? ELSEWHERE
  return new Promise((resolve, reject) => {
    // Set where this command runs in the desktop app's own binary: a browser built likewise would obey it too.
    const env = { ...process.env, ELECTRON_RUN_AS_NODE: undefined }
    const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true, shell: false, env })
    const timer = setTimeout(() => {
      child.unref()
      resolve()
    }, OPENED_AFTER_MS)
    child.once('error', error => {
      clearTimeout(timer)
      reject(
        new Error(
          (error as NodeJS.ErrnoException).code === 'ENOENT' ? `${program} is missing` : error.message
        )
      )
    })
    child.once('exit', code => {
      clearTimeout(timer)
      if (code === 0) resolve()
      else reject(new Error(`${program} failed`))
    })
  })
}

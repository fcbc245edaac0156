import { z } from 'zod'
import type { Result } from '../../shared/api.ts'
import { AppError } from '../../shared/errors.ts'
import type { Shell, ShellMethod } from '../../shared/shell.ts'
import { errorOf } from '../api/methods.ts'

const NOTHING = z.strictObject({})
const TEXT = z.string().max(4 * 1024 * 1024)
/** An export has a line for each day that there ever was. */
const SAVED = z.string().max(64 * 1024 * 1024)

/** What each of the desktop's own methods takes from the window. */
const REQUESTS = {
  info: NOTHING,
  retry: NOTHING,
  setStartAtLogin: z.strictObject({ on: z.boolean() }),
  checkForUpdates: NOTHING,
  installUpdate: NOTHING,
  offerPrevious: NOTHING,
  showDataFolder: NOTHING,
  // A name, not a path: where it goes is the person's to say.
  saveText: z.strictObject({ name: z.string().regex(/^[^\\/:*?"<>|\p{C}]{1,120}$/u), text: SAVED }),
  openText: z.strictObject({ title: z.string().min(1).max(200) }),
  copy: z.strictObject({ text: TEXT }),
  quit: NOTHING
} satisfies { [M in ShellMethod]: z.ZodType<NonNullable<Parameters<Shell[M]>[0]> | Record<string, never>> }

const PREFIX = 'shell.'

export function isShellMethod(name: string): name is `shell.${ShellMethod}` {
  return name.startsWith(PREFIX) && Object.hasOwn(REQUESTS, name.slice(PREFIX.length))
}

/** Calls one of the desktop's own methods with a request from the window. Throws what is no AppError. */
export async function callShell(
  shell: Shell,
  name: `shell.${ShellMethod}`,
  request: unknown
): Promise<Result<unknown>> {
  const method = name.slice(PREFIX.length) as ShellMethod
  const checked = REQUESTS[method].safeParse(request ?? {})
  if (!checked.success) {
    const [issue] = checked.error.issues
    const what = issue?.path.join('.') || 'the request'
    const message = `${name}: ${what} is not right: ${issue?.message ?? 'unreadable'}.`
    return { ok: false, error: { code: 'bad-request', message } }
  }
  try {
    const call = shell[method].bind(shell) as (request: unknown) => Promise<unknown>
    return { ok: true, value: await call(checked.data) }
  } catch (error) {
    if (error instanceof AppError) return { ok: false, error: errorOf(error) }
    throw error
  }
}

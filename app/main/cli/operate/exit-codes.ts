import type { ErrorCode } from '../../../shared/errors.ts'

export const DONE = 0
export const FAILED = 1
export const NOT_UNDERSTOOD = 2
export const NOT_RUNNING = 3
export const REFUSED = 4
/** Of doctor: others have not tried yet. */
export const NOT_KNOWN = 5
/** As shells have it for who was ended by Ctrl-C. */
export const INTERRUPTED = 130

const CODES: Partial<Record<ErrorCode, number>> = {
  'bad-usage': NOT_UNDERSTOOD,
  'unknown-flag': NOT_UNDERSTOOD,
  'unknown-command': NOT_UNDERSTOOD,
  'not-running': NOT_RUNNING,
  'bad-setting': REFUSED,
  'unknown-setting': REFUSED,
  'setting-locked': REFUSED,
  'nothing-to-listen-on': REFUSED,
  'settings-file-broken': REFUSED,
  'settings-file-newer': REFUSED,
  'settings-file-unreadable': REFUSED,
  'bad-request': REFUSED,
  'unknown-circuit': REFUSED,
  'unknown-peer': REFUSED,
  'peer-unreachable': REFUSED,
  'unknown-network': REFUSED,
  'ambiguous-peer': REFUSED
}

/** The exit code of a command that operates a node and ended in that error. */
export function exitCodeOf(code: ErrorCode): number {
  return CODES[code] ?? FAILED
}

import type { ErrorCode } from '../../shared/errors.ts'

const STATUS: Partial<Record<ErrorCode, number>> = {
  'bad-request': 400,
  'bad-setting': 400,
  'unknown-setting': 400,
  'nothing-to-listen-on': 400,
  'not-authorised': 401,
  'unknown-method': 404,
  'unknown-circuit': 404,
  'unknown-peer': 404,
  'setting-locked': 409,
  'settings-file-broken': 409,
  'settings-file-newer': 409,
  'settings-file-unreadable': 409,
  'not-running': 409,
  'too-many-listeners': 429,
  internal: 500
}

/** The HTTP status of an error; its code is what callers go by. */
export function statusOfError(code: ErrorCode): number {
  return STATUS[code] ?? 422
}

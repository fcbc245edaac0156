import type { ErrorCode } from '../../shared/errors.ts'

const STATUS: Partial<Record<ErrorCode, number>> = {
  'bad-request': 400,
  'bad-setting': 400,
  'backup-corrupt': 400,
  'identity-wrong-kind': 400,
  'passphrase-unusable': 400,
  'passphrase-wrong': 403,
  'unknown-setting': 400,
  'nothing-to-listen-on': 400,
  'not-authorised': 401,
  'unknown-method': 404,
  'unknown-circuit': 404,
  'unknown-peer': 404,
  'peer-unreachable': 422,
  'unknown-network': 404,
  'setting-locked': 409,
  'settings-file-broken': 409,
  'settings-file-newer': 409,
  'settings-file-unreadable': 409,
  'not-running': 409,
  'link-unusable': 401,
  'too-many-listeners': 429,
  'too-many-attempts': 429,
  'history-unusable': 500,
  'identity-unwritable': 500,
  internal: 500,
  'disk-full': 507
}

/** The HTTP status of an error; its code is what callers go by. */
export function statusOfError(code: ErrorCode): number {
  return STATUS[code] ?? 422
}

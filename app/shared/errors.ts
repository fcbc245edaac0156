/**
 * Every error that reaches a person or another process carries one of these codes. Callers switch on the
 * code, never on the text; the text says what to do next.
 */
export type ErrorCode =
  | 'bad-setting'
  | 'unknown-setting'
  | 'unknown-flag'
  | 'unknown-command'
  | 'settings-file-unreadable'
  | 'settings-file-broken'
  | 'settings-file-newer'
  | 'data-folder-unusable'
  | 'already-running'
  | 'identity-unreadable'
  | 'identity-unwritable'
  | 'identity-corrupt'
  | 'identity-wrong-kind'
  | 'identity-exists'
  | 'identity-missing'
  | 'passphrase-missing'
  | 'passphrase-wrong'
  | 'passphrase-unusable'
  | 'backup-corrupt'
  | 'port-in-use'
  | 'port-forbidden'
  | 'address-unusable'
  | 'nothing-to-listen-on'
  | 'disk-full'
  | 'cancelled'
  | 'bad-usage'
  | 'file-unwritable'
  | 'file-unreadable'
  | 'file-exists'
  | 'not-running'
  | 'setting-locked'
  | 'bad-request'
  | 'not-authorised'
  | 'unknown-method'
  | 'too-many-listeners'
  | 'too-many-attempts'
  | 'link-unusable'
  | 'update-failed'
  | 'update-unverified'
  | 'unknown-circuit'
  | 'unknown-peer'
  | 'peer-unreachable'
  | 'unknown-network'
  | 'ambiguous-peer'
  | 'control-unreachable'
  | 'history-newer'
  | 'history-unusable'
  | 'internal'

/** Plain values that say which setting, file or port the error is about. */
export type ErrorDetails = Record<string, string | number | boolean | undefined>

/** An error with a stable code and, where one is to blame, the setting's key in `details.setting`. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'AppError'
    this.code = code
    this.details = details
  }
}

/** The system's code (ENOENT, EADDRINUSE, …) of a thrown value, wherever it hides in the chain of causes. */
export function systemCode(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    const code = (at as { code?: unknown }).code
    if (typeof code === 'string' && /^E[A-Z0-9]+$/.test(code)) return code
  }
  return undefined
}

/** What a thrown value says, for a log line or a sentence to a person. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

import type { ApiError } from './api.ts'
import type { AppError } from './errors.ts'

/** An error as it crosses a process border; `field` names the setting or argument to blame. */
export function errorOf({ code, message, details }: AppError): ApiError {
  const field = details['setting'] ?? details['field']
  return { code, message, ...(field !== undefined && { field: String(field) }), details }
}

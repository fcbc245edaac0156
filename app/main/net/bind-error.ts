import { AppError, messageOf, systemCode, type ErrorDetails } from '../../shared/errors.ts'

export interface BindErrorOptions {
  /** What could not be opened: "TCP port 4002 of the public HTTP pages (http.port)". */
  what: string
  /** What to do, as the end of a sentence. */
  remedy: string
  details: ErrorDetails
}

/** Why a listener could not be opened, as `port-in-use`, `port-forbidden` or `address-unusable`; an AppError as it is. */
export function bindError(error: unknown, { what, remedy, details: given }: BindErrorOptions): AppError {
  if (error instanceof AppError) return error
  const code = systemCode(error)
  const details = { ...given, systemCode: code }
  switch (code) {
    case 'EADDRINUSE':
      return new AppError('port-in-use', `${what} is in use by another program: ${remedy}`, details, error)
    case 'EACCES':
      return new AppError('port-forbidden', `This user may not open ${what}: ${remedy}`, details, error)
    default: {
      const why = code === 'EADDRNOTAVAIL' ? 'this machine has no such address' : messageOf(error)
      return new AppError('address-unusable', `${what} cannot be opened: ${why}; ${remedy}`, details, error)
    }
  }
}

/**
 * The half of a session that no cookie carries: cookies of 127.0.0.1 go to every port of it, the storage of a page to
 * its own origin alone.
 */
const NAME = 'waystation-key'

export function readSessionKey(): string | null {
  try {
    return localStorage.getItem(NAME)
  } catch {
    // Storage is forbidden here: then there is no session.
    return null
  }
}

export function keepSessionKey(key: string): void {
  localStorage.setItem(NAME, key)
}

export function forgetSessionKey(): void {
  localStorage.removeItem(NAME)
}

/**
 * The half of a session that no cookie carries: cookies of 127.0.0.1 go to every port of it, the storage of a page to
 * its own origin alone.
 */
const NAME = 'waystation-key'

export function readSessionKey(): string | null {
  return localStorage.getItem(NAME)
}

export function keepSessionKey(key: string): void {
  localStorage.setItem(NAME, key)
}

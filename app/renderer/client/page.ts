import { readSessionKey } from './session-key.ts'

/** What the HTTP carrier needs of the page it runs in. */
export interface Page {
  fetch: typeof fetch
  sessionKey(): string | null
  readonly hidden: boolean
  /** Tells when the page is hidden or shown, and when the machine is on a network again. Returns what ends it. */
  onChange(listener: () => void): () => void
}

export const browserPage: Page = {
  fetch: (input, init) => fetch(input, init),
  sessionKey: readSessionKey,
  get hidden() {
    return document.hidden
  },
  onChange(listener) {
    document.addEventListener('visibilitychange', listener)
    window.addEventListener('online', listener)
    return () => {
      document.removeEventListener('visibilitychange', listener)
      window.removeEventListener('online', listener)
    }
  }
}

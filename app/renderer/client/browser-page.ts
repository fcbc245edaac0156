import type { Page } from './page.ts'
import { readSessionKey } from './session-key.ts'

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

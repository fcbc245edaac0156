import type { Page } from './page.ts'
import { forgetSessionKey, readSessionKey } from './session-key.ts'

export const browserPage: Page = {
  fetch: (input, init) => fetch(input, init),
  sessionKey: readSessionKey,
  forgetSessionKey,
  get hidden() {
    return document.hidden
  },
  onChange(listener) {
    document.addEventListener('visibilitychange', listener)
    window.addEventListener('online', listener)
    window.addEventListener('storage', listener)
    return () => {
      document.removeEventListener('visibilitychange', listener)
      window.removeEventListener('online', listener)
      window.removeEventListener('storage', listener)
    }
  }
}

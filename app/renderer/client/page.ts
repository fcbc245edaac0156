/** What the HTTP carrier needs of the page it runs in. */
export interface Page {
  fetch: typeof fetch
  sessionKey(): string | null
  forgetSessionKey(): void
  readonly hidden: boolean
  /**
   * Tells when the page is hidden or shown, when the machine is on a network again, and when another tab was given a
   * session. Returns what ends it.
   */
  onChange(listener: () => void): () => void
}

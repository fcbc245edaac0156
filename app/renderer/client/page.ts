/** What the HTTP carrier needs of the page it runs in. */
export interface Page {
  fetch: typeof fetch
  sessionKey(): string | null
  readonly hidden: boolean
  /** Tells when the page is hidden or shown, and when the machine is on a network again. Returns what ends it. */
  onChange(listener: () => void): () => void
}

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

export interface SignInCodesComponents {
  /** Milliseconds since 1970. */
  now: () => number
}

export const CODE_MINUTES = 5
/** Links that were asked for and not used; a further one takes the place of the oldest. */
const MOST_CODES = 16

/** The secrets of one-time links: 128 bits each, for one use within five minutes. Kept as digests, in memory alone. */
export class SignInCodes {
  readonly #now: () => number
  #codes: { digest: Buffer; expiresAtMs: number }[] = []

  constructor({ now }: SignInCodesComponents) {
    this.#now = now
  }

  issue(): { code: string; expiresAt: Date } {
    const code = randomBytes(16).toString('base64url')
    const expiresAtMs = this.#now() + CODE_MINUTES * 60_000
    this.#codes = [...this.#codes, { digest: digestOf(code), expiresAtMs }].slice(-MOST_CODES)
    return { code, expiresAt: new Date(expiresAtMs) }
  }

  /** Uses a code up. False if it is none, was used, or is too old. */
  redeem(code: string): boolean {
    const digest = digestOf(code)
    // All are compared, so that the time taken tells nothing.
    const match = this.#codes.filter(each => timingSafeEqual(each.digest, digest))
    this.#codes = this.#codes.filter(each => !match.includes(each) && each.expiresAtMs > this.#now())
    return match.some(({ expiresAtMs }) => expiresAtMs > this.#now())
  }
}

const digestOf = (code: string): Buffer => createHash('sha256').update(code).digest()

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

export interface SessionsComponents {
  /** Milliseconds since 1970. */
  now: () => number
}

export interface SessionsOptions {
  /** Whoever has it can make sessions; another one ends them all. */
  secret: string
  lifetimeSeconds?: number
}

export interface Session {
  id: string
  /** Seconds since 1970. */
  expiresAt: number
}

export interface NewSession extends Session {
  /** The cookie's value. */
  cookie: string
  /** What only the dashboard's own page may know. */
  key: string
}

export const SESSION_SECONDS = 30 * 86_400
const COOKIE = /^([\w-]{22})\.(\d{1,12})\.([\w-]{43})$/

/**
 * Sessions of browsers. They are signed and not kept, so that they outlive a restart of the node. Each has two
 * halves: a cookie, which a browser also sends to every other port of 127.0.0.1, and a key, which the storage of
 * one origin holds. Neither tells the other.
 */
export class Sessions {
  readonly #now: () => number
  readonly #secret: Buffer
  readonly #lifetimeSeconds: number
  /** Those that were signed out, until they would have expired anyway. */
  readonly #ended = new Map<string, number>()
  readonly #whenEnded = new Map<string, Set<() => void>>()

  constructor({ now }: SessionsComponents, { secret, lifetimeSeconds = SESSION_SECONDS }: SessionsOptions) {
    this.#now = now
    this.#secret = createHmac('sha256', secret).update('waystation dashboard session').digest()
    this.#lifetimeSeconds = lifetimeSeconds
  }

  create(): NewSession {
    const id = randomBytes(16).toString('base64url')
    const session = { id, expiresAt: this.#seconds() + this.#lifetimeSeconds }
    const cookie = `${id}.${session.expiresAt}.${this.#sign('cookie', session)}`
    return { ...session, cookie, key: this.#sign('key', session) }
  }

  /** The session of a cookie's value; undefined if it is none, or over. */
  read(cookie: string): Session | undefined {
    const [, id = '', expiry = '', signature = ''] = COOKIE.exec(cookie) ?? []
    const session = { id, expiresAt: Number(expiry) }
    if (!same(signature, this.#sign('cookie', session))) return undefined
    return session.expiresAt > this.#seconds() && !this.#ended.has(id) ? session : undefined
  }

  /** Whether that is the session's other half. */
  hasKey(session: Session, key: string): boolean {
    return same(key, this.#sign('key', session))
  }

  end({ id, expiresAt }: Session): void {
    for (const [other, until] of this.#ended) if (until <= this.#seconds()) this.#ended.delete(other)
    this.#ended.set(id, expiresAt)
    for (const listener of this.#whenEnded.get(id) ?? []) listener()
  }

  /** For what is held open in a session's name. Returns what takes the listener back. */
  whenEnded({ id }: Session, listener: () => void): () => void {
    const listeners = this.#whenEnded.get(id) ?? new Set()
    this.#whenEnded.set(id, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#whenEnded.delete(id)
    }
  }

  #sign(half: 'cookie' | 'key', { id, expiresAt }: Session): string {
    return createHmac('sha256', this.#secret).update(`${half}\n${id}\n${expiresAt}`).digest('base64url')
  }

  #seconds(): number {
    return Math.floor(this.#now() / 1000)
  }
}

function same(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)]
  return one.length === other.length && timingSafeEqual(one, other)
}

/** Why no certificate came, as a word that stays and a sentence that says what to do. */
export type AutoTlsCode =
  | 'forge-refused'
  | 'forge-failed'
  | 'forge-unreachable'
  | 'acme-failed'
  | 'acme-unreachable'
  | 'no-answer'
  | 'unusable'
  | 'clock'
  | 'disk'

/** What the other side, or the system, may say at most. */
const MOST_SAID = 300

export class AutoTlsError extends Error {
  readonly code: AutoTlsCode
  /** What the other side, or the system, said: on one line. */
  readonly said: string
  /** How long the other side wants to be left alone. */
  readonly retryAfterMs: number

  constructor(code: AutoTlsCode, said = '', retryAfterMs = 0) {
    const short = said
      .replaceAll(/[\s\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
      .trim()
      .slice(0, MOST_SAID)
    super(short === '' ? SENTENCES[code] : `${SENTENCES[code]} (${short})`)
    this.code = code
    this.said = short
    this.retryAfterMs = retryAfterMs
  }
}

const SENTENCES: Record<AutoTlsCode, string> = {
  'forge-refused':
    'The registration (setting autoTls.forge) refused the name. It dials back to the announced addresses: they must be reachable from the Internet.',
  'forge-failed':
    'The registration (setting autoTls.forge) does not work for now. It is asked again; nothing is to be done here.',
  'forge-unreachable':
    'The registration (setting autoTls.forge) cannot be reached. Check the network, the DNS and the clock of this machine.',
  'acme-failed':
    'The certificate authority (setting autoTls.acme) gave no certificate. Should it go on, look at its status page.',
  'acme-unreachable':
    'The certificate authority (setting autoTls.acme) cannot be reached. Check the network, the DNS and the clock of this machine.',
  'no-answer': 'The certificate authority (setting autoTls.acme) did not finish in time.',
  unusable: 'The certificate that came does not fit its key or its name; another is asked for.',
  clock:
    'The certificate that came is about to run out by the clock of this machine, or has run out. Set the clock; another is asked for.',
  disk: 'The certificate and its keys cannot be kept in the data folder. Free some space, and look at the rights of auto-tls in it.'
}

/** Of the header Retry-After: seconds, or a date; 0 without one. */
export function retryAfterMs(header: string | null | undefined): number {
  const value = header ?? ''
  const milliseconds = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Math.max(0, milliseconds || 0)
}

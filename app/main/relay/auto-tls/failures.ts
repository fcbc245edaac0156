/** Why no certificate came, as a word that stays and a sentence that says what to do. */
export type AutoTlsCode =
  'forge-refused' | 'forge-unreachable' | 'acme-failed' | 'no-answer' | 'unusable' | 'disk'

/** What the other side, or the system, may say at most. */
const MOST_SAID = 300

export class AutoTlsError extends Error {
  readonly code: AutoTlsCode
  /** What the other side, or the system, said: on one line. */
  readonly said: string

  constructor(code: AutoTlsCode, said = '') {
    const short = said
      .replaceAll(/[\s\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
      .trim()
      .slice(0, MOST_SAID)
    super(short === '' ? SENTENCES[code] : `${SENTENCES[code]} (${short})`)
    this.code = code
    this.said = short
  }
}

const SENTENCES: Record<AutoTlsCode, string> = {
  'forge-refused':
    'The registration (setting autoTls.forge) refused the name. It dials back to the announced addresses: they must be reachable from the Internet.',
  'forge-unreachable':
    'The registration (setting autoTls.forge) cannot be reached. Check the network and DNS of this machine.',
  'acme-failed':
    'The certificate authority (setting autoTls.acme) gave no certificate. Should it go on, look at its status page.',
  'no-answer': 'The certificate authority (setting autoTls.acme) did not finish in time.',
  unusable: 'The certificate that came does not fit its key or its name; another is asked for.',
  disk: 'The certificate cannot be written to the data folder. Free some space, and look at the rights of the folder.'
}

import { expect, it } from 'vitest'
import { certificateWarnings } from '../../../app/main/net/tls/certificate-warnings.ts'
import type { CertificateFacts } from '../../../app/main/net/tls/certificates.ts'

const DAY_MS = 86_400_000
const FROM = Date.parse('2026-09-01T00:00:00Z')

function certificate(days: number, source: CertificateFacts['source'] = 'files'): CertificateFacts {
  const validFrom = new Date(FROM)
  const validTo = new Date(FROM + days * DAY_MS)
  return { source, names: ['relay.example', '192.0.2.1'], validFrom, validTo, fingerprint: '' }
}

interface Given {
  announceHost?: string
  source?: CertificateFacts['source']
}

/** On which day of a certificate what is said. */
function said(days: number, day: number, { announceHost = '', source = 'files' }: Given = {}): string {
  const options = {
    nowMs: FROM + day * DAY_MS,
    announceHost,
    isNamed: (host: string) => host === 'relay.example'
  }
  return certificateWarnings([certificate(days, source)], options).join('\n')
}

it.each([
  [90, -1, 'is not valid before 2026-09-01'],
  [90, 0, ''],
  [90, 82, ''],
  [90, 83.1, 'expires on 2026-11-30, and was not renewed yet'],
  [90, 89.9, 'expires on 2026-11-30'],
  [90, 90.1, 'expired on 2026-11-30: browsers refuse to connect'],
  // A short one is not late all its life.
  [6, 1, ''],
  [6, 5.3, ''],
  [6, 5.5, 'expires on 2026-09-07']
])('says of a certificate for %d days, on day %d: %s', (days, day, words) => {
  if (words === '') expect(said(days, day)).toBe('')
  else expect(said(days, day)).toContain(words)
})

it('says nothing of a certificate that the node renews by itself', () => {
  expect(said(90, 100, { source: 'auto-tls', announceHost: 'other.example' })).toBe('')
})

it('says that the announced name is not in the certificate', () => {
  expect(said(90, 1, { announceHost: 'relay.example' })).toBe('')
  expect(said(90, 1, { announceHost: 'other.example' })).toContain(
    'announceHost is other.example, and the certificate in tls.cert is for relay.example, 192.0.2.1'
  )
})

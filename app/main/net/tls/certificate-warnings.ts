import type { CertificateFacts } from './certificates.ts'

const DAY_MS = 86_400_000
/** A renewal that is still to come this late has failed, unless the whole certificate is a short one. */
const LATE_MS = 7 * DAY_MS
const LATE_SHARE = 1 / 10

export interface CertificateWarningsOptions {
  nowMs: number
  /** The setting, and whether a certificate is for it. */
  announceHost: string
  isNamed: (host: string) => boolean
}

/** What a person should mend about the certificates of `tls.port`. Those of ws.autoTls are the node's own affair. */
export function certificateWarnings(
  certificates: readonly CertificateFacts[],
  { nowMs, announceHost, isNamed }: CertificateWarningsOptions
): string[] {
  const files = certificates.find(({ source }) => source === 'files')
  if (files === undefined) return []
  const { names } = files
  const dates = aboutDates(files, nowMs)
  if (announceHost === '' || isNamed(announceHost)) return dates
  const known = names.length === 0 ? 'no name at all' : names.join(', ')
  const misnamed = `announceHost is ${announceHost}, and the certificate in tls.cert is for ${known}: nobody can connect by secure WebSocket to ${announceHost}. Get a certificate for it, or correct announceHost.`
  return [...dates, misnamed]
}

function aboutDates({ validFrom, validTo }: CertificateFacts, nowMs: number): string[] {
  const [from, to] = [validFrom.getTime(), validTo.getTime()]
  const day = (date: Date): string => date.toISOString().slice(0, 10)
  if (nowMs > to) {
    return [
      `The certificate in tls.cert expired on ${day(validTo)}: browsers refuse to connect. Renew it; the node takes the new one by itself.`
    ]
  }
  if (nowMs < from) {
    return [
      `The certificate in tls.cert is not valid before ${day(validFrom)}: browsers refuse to connect until then. Check the clock of this machine, or get another certificate.`
    ]
  }
  if (to - nowMs > Math.min(LATE_MS, (to - from) * LATE_SHARE)) return []
  return [
    `The certificate in tls.cert expires on ${day(validTo)}, and was not renewed yet. See whether its renewal (certbot) works.`
  ]
}

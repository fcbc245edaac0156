import { language, locale } from './language.ts'

/**
 * Figures for people, in the units that connections and data plans are sold in: Mbit/s and GB, both decimal.
 * A limit of 0 is none.
 */

const BYTES = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
const BITS = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s']

const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 })
const oneDigit = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 })

/** What stands between whole and parts in this language. */
export const decimalPoint = oneDigit.formatToParts(1.5).find(({ type }) => type === 'decimal')?.value ?? '.'

export function count(value: number): string {
  return whole.format(value)
}

/** `1_500_000` -> `1.5 MB` */
export function bytes(value: number): string {
  return scaled(value, BYTES)
}

/** Bytes a second as bits a second: `1_250_000` -> `10 Mbit/s` */
export function rate(bytesPerSecond: number): string {
  return scaled(bytesPerSecond * 8, BITS)
}

function scaled(amount: number, units: readonly string[]): string {
  let value = amount
  let index = 0
  // Compared after rounding: 999.96 kB is 1 MB and not 1,000 kB.
  while (rounded(value) >= 1000 && index < units.length - 1) {
    value /= 1000
    index++
  }
  return `${(index === 0 || value >= 99.95 ? whole : oneDigit).format(value)} ${units[index]}`
}

const rounded = (value: number): number => (value < 99.95 ? Math.round(value * 10) / 10 : Math.round(value))

export function percent(share: number): string {
  return new Intl.NumberFormat(locale, {
    style: 'percent',
    maximumFractionDigits: share > 0 && share < 0.1 ? 1 : 0
  }).format(share)
}

const SECONDS = { day: 86_400, hour: 3600, minute: 60, second: 1 } as const
const SHORT = {
  en: { day: 'd', hour: 'h', minute: 'min', second: 's' },
  de: { day: 'Tg.', hour: 'Std.', minute: 'Min.', second: 's' }
}[language]

/** The two largest units: `5400` -> `1 h 30 min` */
export function duration(seconds: number): string {
  let rest = Math.max(0, Math.round(seconds))
  const parts: string[] = []
  for (const unit of ['day', 'hour', 'minute', 'second'] as const) {
    const amount = Math.floor(rest / SECONDS[unit])
    rest -= amount * SECONDS[unit]
    if (amount > 0) parts.push(`${amount} ${SHORT[unit]}`)
    else if (parts.length > 0) break
    if (parts.length === 2) break
  }
  return parts.join(' ') || `0 ${SHORT.second}`
}

const clock = new Intl.DateTimeFormat(locale, { hour: 'numeric', minute: '2-digit' })
const clockSeconds = new Intl.DateTimeFormat(locale, {
  hour: 'numeric',
  minute: '2-digit',
  second: '2-digit'
})
const day = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'long' })

/** The time alone if it is today, with the day if it is not. */
export function moment(at: string | number | Date): string {
  const date = new Date(at)
  return isToday(date) ? clock.format(date) : `${day.format(date)}, ${clock.format(date)}`
}

export function timeOfDay(at: string | number | Date, withSeconds = false): string {
  return (withSeconds ? clockSeconds : clock).format(new Date(at))
}

function isToday(at: Date): boolean {
  return at.toDateString() === new Date().toDateString()
}

/** Peer ids begin alike, so the end tells them apart: `12D3…w7Xb2q` */
export { shortPeerId } from '../../shared/format.ts'

const listing = new Intl.ListFormat(locale, { type: 'conjunction' })

/** `TCP, QUIC and WebSocket` */
export function list(items: readonly string[]): string {
  return listing.format(items)
}

const TRANSPORTS: Record<string, string> = {
  tcp: 'TCP',
  quic: 'QUIC',
  'quic-v1': 'QUIC',
  ws: 'WebSocket',
  wss: 'WebSocket (TLS)',
  webrtc: 'WebRTC',
  'webrtc-direct': 'WebRTC',
  webrtcDirect: 'WebRTC',
  circuit: 'Circuit',
  relay: 'Circuit'
}

export function transport(name: string): string {
  return TRANSPORTS[name] ?? name
}

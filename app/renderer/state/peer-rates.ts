import { parseQuantity } from '../../shared/units.ts'

/** The setting relay.rate.peers (`PEER=50kB/s`, several) as bytes a second by peer. */
export function peerRatesOf(value: unknown): ReadonlyMap<string, number> {
  const rates = new Map<string, number>()
  for (const item of Array.isArray(value) ? value.map(String) : []) {
    const [peer = '', text = ''] = item.split('=')
    const bytesPerSecond = parseQuantity(text, 'rate')
    if (bytesPerSecond !== undefined) rates.set(peer, bytesPerSecond)
  }
  return rates
}

export const RATE_UNITS = ['kbit/s', 'Mbit/s'] as const
export type RateUnit = (typeof RATE_UNITS)[number]
const BYTES: Record<RateUnit, number> = { 'kbit/s': 125, 'Mbit/s': 125_000 }

/** What a person wrote, as whole bytes a second; undefined if it is no rate. */
export function bytesPerSecondOf(amount: number | undefined | null, unit: RateUnit): number | undefined {
  if (typeof amount !== 'number' || !Number.isFinite(amount)) return undefined
  const bytes = Math.round(amount * BYTES[unit])
  return bytes >= 1 && Number.isSafeInteger(bytes) ? bytes : undefined
}

/** The same for the form: in Mbit/s from one on. */
export function amountOf(bytesPerSecond: number): { amount: number; unit: RateUnit } {
  const unit = bytesPerSecond >= BYTES['Mbit/s'] ? 'Mbit/s' : 'kbit/s'
  return { amount: Math.round((bytesPerSecond / BYTES[unit]) * 1000) / 1000, unit }
}

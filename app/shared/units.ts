/**
 * Amounts with units, read and written exactly: `100 MiB`, `1.25 MB/s`, `10 Mbit/s`, `90 s`. Reading goes
 * through whole numbers (bigint), because 1.1 * 1000 is not 1100 in floating point.
 */

export type Quantity = 'bytes' | 'rate' | 'seconds'

/** How many base units one of this unit is: `times / per`. Bits need the fraction. */
interface Factor {
  times: bigint
  per: bigint
}

const DECIMAL: Record<string, bigint> = { k: 10n ** 3n, m: 10n ** 6n, g: 10n ** 9n, t: 10n ** 12n }
const BINARY: Record<string, bigint> = { ki: 2n ** 10n, mi: 2n ** 20n, gi: 2n ** 30n, ti: 2n ** 40n }

const SIZE = /^([kmgt]i?)?(?:b|bytes?)$/i
// In a rate the case of the b decides between bytes and bits. "50kb/s" could be meant as either, a factor of
// eight apart, so it is refused rather than guessed; "kbps" and "kbit/s" are never used for bytes.
const BYTE_RATE = /^([kmgt]i?)?(?:B|[Bb]ytes?)(?:\/s|ps)?$/
const BYTE_RATE_PREFIXES = /^([KMGT][iI]?)(?=B|[Bb]yte)/
const BIT_RATE = /^([kmgt]i?)?(?:bits?(?:\/s|ps)?|bps)$/
const SECONDS: readonly (readonly [RegExp, bigint])[] = [
  [/^s(ec(onds?|s)?)?$/i, 1n],
  [/^m(in(utes?|s)?)?$/i, 60n],
  [/^h((ou)?rs?)?$/i, 3600n],
  [/^d(ays?)?$/i, 86_400n]
]

/** The amount in bytes, bytes a second or seconds; `undefined` if the text is no such amount. */
export function parseQuantity(text: string, quantity: Quantity): number | undefined {
  const match = /^(\d+(?:_\d+)*)(?:\.(\d+))? ?([a-z/]*)$/i.exec(text.trim())
  if (match === null) return undefined
  const [, whole = '', fraction = '', unit = ''] = match
  const factor = unit === '' ? { times: 1n, per: 1n } : factorOf(unit, quantity)
  if (factor === undefined) return undefined

  const digits = BigInt(whole.replaceAll('_', '') + fraction)
  const divisor = factor.per * 10n ** BigInt(fraction.length)
  const dividend = digits * factor.times
  // "1.3 MiB" is no whole number of bytes and is rounded; "1.5" without a larger unit is a mistake.
  if (dividend % divisor !== 0n && factor.times === 1n && factor.per === 1n) return undefined
  const rounded = (dividend + divisor / 2n) / divisor
  // Rounding must never turn a tiny limit into 0, which means "no limit".
  if (rounded === 0n && digits !== 0n) return undefined
  return Number(rounded)
}

/** A whole number such as `1024` or `1_000`; `undefined` if the text is none. */
export function parseWhole(text: string): number | undefined {
  const trimmed = text.trim()
  return /^\d+(_\d+)*$/.test(trimmed) ? Number(trimmed.replaceAll('_', '')) : undefined
}

function factorOf(unit: string, quantity: Quantity): Factor | undefined {
  if (quantity === 'seconds') {
    const times = SECONDS.find(([pattern]) => pattern.test(unit))?.[1]
    return times === undefined ? undefined : { times, per: 1n }
  }
  if (quantity === 'bytes') return scaled(SIZE.exec(unit), 1n)
  // "KB/s" and "mbit/s" are written as often as "kB/s" and "Mbit/s": only the b's case carries a meaning.
  const lowered = unit.replace(BYTE_RATE_PREFIXES, prefix => prefix.toLowerCase())
  const bits = unit.replace(/^[KMGT][iI]?(?=b)/, prefix => prefix.toLowerCase())
  return scaled(BYTE_RATE.exec(lowered), 1n) ?? scaled(BIT_RATE.exec(bits), 8n)
}

function scaled(match: RegExpExecArray | null, per: bigint): Factor | undefined {
  if (match === null) return undefined
  const prefix = (match[1] ?? '').toLowerCase()
  const times = prefix === '' ? 1n : (DECIMAL[prefix] ?? BINARY[prefix])
  return times === undefined ? undefined : { times, per }
}

const SIZES: readonly (readonly [string, number])[] = [
  ['TiB', 2 ** 40],
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10]
]
const DECIMAL_SIZES: readonly (readonly [string, number])[] = [
  ['TB', 1e12],
  ['GB', 1e9],
  ['MB', 1e6]
]
const RATES: readonly (readonly [string, number])[] = [
  ['TB/s', 1e12],
  ['GB/s', 1e9],
  ['MB/s', 1e6],
  ['kB/s', 1e3]
]
const TIMES: readonly (readonly [string, number])[] = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60]
]

/**
 * The shortest exact way to write an amount: what comes out goes back in by `parseQuantity` as the same
 * number. For figures that may be rounded, see format.ts.
 */
export function writeQuantity(value: number, quantity: Quantity): string {
  if (quantity === 'seconds') return exact(value, TIMES, 1) ?? `${value} s`
  if (quantity === 'rate') return exact(value, RATES, 1000) ?? `${value} B/s`
  return exact(value, SIZES, 4) ?? exact(value, DECIMAL_SIZES, 4) ?? `${value} B`
}

/** `steps`: into how many parts one unit may be cut (4: quarters, 1000: three decimals). */
function exact(
  value: number,
  units: readonly (readonly [string, number])[],
  steps: number
): string | undefined {
  for (const [unit, size] of units) {
    // Parts of a unit are for people; with many digits before the point they stop being readable.
    if (value >= size && value % (size / steps) === 0 && value / size < 100_000)
      return `${value / size} ${unit}`
  }
  return undefined
}

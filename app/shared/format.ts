/**
 * Figures for people: rounded, with a unit. Amounts that were stored or carried are binary (`100 MiB`), as
 * limits are given; rates are decimal (`1.3 MB/s`), as connections are sold. To write a setting's value
 * exactly, see values.ts.
 */

const SIZE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const
const DECIMAL_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const
const RATE_UNITS = ['B/s', 'kB/s', 'MB/s', 'GB/s', 'TB/s'] as const

/** `1536` -> `1.5 KiB` */
export function formatBytes(bytes: number): string {
  return scale(bytes, 1024, SIZE_UNITS)
}

/** `1500` -> `1.5 kB`: for what is compared with an amount that was given so. */
export function formatDecimalBytes(bytes: number): string {
  return scale(bytes, 1000, DECIMAL_UNITS)
}

/** `1_250_000` -> `1.3 MB/s` */
export function formatRate(bytesPerSecond: number): string {
  return scale(bytesPerSecond, 1000, RATE_UNITS)
}

function scale(amount: number, base: number, units: readonly string[]): string {
  let value = amount
  let index = 0
  // Compared after rounding, so that 1023.99 KiB is shown as 1 MiB and not as 1024 KiB.
  while (rounded(value) >= base && index < units.length - 1) {
    value /= base
    index++
  }
  return `${index === 0 ? Math.round(value) : rounded(value)} ${units[index]}`
}

/** One decimal while it says something, none from 100 on. */
function rounded(value: number): number {
  return value < 100 ? Math.round(value * 10) / 10 : Math.round(value)
}

const TIME_UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1]
] as const

/** The two largest units: `90_061` -> `1 d 1 h`, `90` -> `1 min 30 s`, `2.34` -> `2.3 s` */
export function formatDuration(seconds: number): string {
  if (seconds < 9.95) return `${Math.round(seconds * 10) / 10} s`
  let rest = Math.round(seconds)
  const parts: string[] = []
  for (const [unit, size] of TIME_UNITS) {
    const count = Math.floor(rest / size)
    rest -= count * size
    if (count > 0) parts.push(`${count} ${unit}`)
    // "1 d 5 s" would suggest a precision that the missing hours belie.
    else if (parts.length > 0) break
    if (parts.length === 2) break
  }
  return parts.join(' ')
}

/** `12D3KooW…` peer ids begin alike, so the end is what tells them apart: `12D3…w7Xb2q`. Short ones stay whole. */
export function shortPeerId(peerId: string): string {
  return peerId.length <= 12 ? peerId : `${peerId.slice(0, 4)}…${peerId.slice(-6)}`
}

import { parseQuantity, type Quantity } from '../../shared/units.ts'

/**
 * Amounts as people type them: a number, and a unit chosen beside it. What is typed with a unit of its own (`2.5 GB`)
 * is taken as it stands. All goes through shared/units.ts, which is exact.
 */

export interface Amount {
  /** The number as typed: with a comma where the language writes one. */
  text: string
  unit: string
}

/** From the smallest to the largest; sizes are decimal first, because data plans and rates are. */
const UNITS: Record<Quantity, readonly (readonly [string, number])[]> = {
  bytes: [
    ['B', 1],
    ['KiB', 2 ** 10],
    ['kB', 1e3],
    ['MiB', 2 ** 20],
    ['MB', 1e6],
    ['GiB', 2 ** 30],
    ['GB', 1e9],
    ['TiB', 2 ** 40],
    ['TB', 1e12]
  ],
  rate: [
    ['bit/s', 1 / 8],
    ['kbit/s', 125],
    ['Mbit/s', 125_000],
    ['Gbit/s', 125_000_000]
  ],
  seconds: [
    ['s', 1],
    ['min', 60],
    ['h', 3600],
    ['d', 86_400]
  ]
}

/** What is offered to choose from; the others appear where a value is written in them. */
const OFFERED: Record<Quantity, readonly string[]> = {
  bytes: ['kB', 'MB', 'MiB', 'GB', 'GiB', 'TB'],
  rate: ['kbit/s', 'Mbit/s', 'Gbit/s'],
  seconds: ['s', 'min', 'h', 'd']
}

export function isQuantity(kind: string): kind is Quantity {
  return kind === 'bytes' || kind === 'rate' || kind === 'seconds'
}

export function unitsFor(quantity: Quantity, unit: string): string[] {
  return UNITS[quantity]
    .map(([name]) => name)
    .filter(name => name === unit || OFFERED[quantity].includes(name))
}

/** An amount in base units as a number and a unit, exact and as short as it goes: `1_250_000` -> `10`, `Mbit/s` */
export function amountOf(value: number, quantity: Quantity, decimal: string): Amount {
  const common = { bytes: 'GB', rate: 'Mbit/s', seconds: 's' }[quantity]
  if (value === 0) return { text: '0', unit: common }
  const written = UNITS[quantity].map(([unit, size]) => ({ text: String(value / size), unit }))
  const short = written.filter(({ text }) => /^\d{1,4}(\.\d{1,3})?$/.test(text))
  // Of those as short as each other the largest unit; 500 GB is read more easily than 0.5 TB.
  const effort = ({ text }: Amount): number =>
    text.length + (text.startsWith('0.') ? 2 : text.includes('.') ? 1 : 0)
  const best = short.reduce<Amount | undefined>(
    (found, next) => (found === undefined || effort(next) <= effort(found) ? next : found),
    undefined
  )
  const { text, unit } = best ??
    written.find(({ unit }) => /^(B|kbit\/s|s)$/.test(unit)) ?? { text: String(value), unit: common }
  return { text: text.replace('.', decimal), unit }
}

/** What was typed, in base units; undefined if it is no amount. */
export function readAmount({ text, unit }: Amount, quantity: Quantity, decimal: string): number | undefined {
  const [, digits = '', own = ''] = /^([\d.,\s_']+?)\s*([a-z/]*)$/i.exec(text.trim()) ?? []
  const number = plainNumber(digits, decimal)
  return number === undefined ? undefined : parseQuantity(`${number} ${own === '' ? unit : own}`, quantity)
}

/** A whole number as typed, `1,024` too. */
export function readWhole(text: string, decimal: string): number | undefined {
  const number = plainNumber(text, decimal)
  return number !== undefined && /^\d{1,15}$/.test(number) ? Number(number) : undefined
}

/** `1.024,5` (German) -> `1024.5`. Where a point cannot be meant to group, it is the decimal one in every language. */
function plainNumber(typed: string, decimal: string): string | undefined {
  const text = typed.replaceAll(/[\s_']/g, '')
  const group = decimal === ',' ? '.' : ','
  const grouped = new RegExp(`^[1-9]\\d{0,2}(\\${group}\\d{3})+(\\${decimal}\\d+)?$`).test(text)
  const number = (grouped ? text.replaceAll(group, '') : text.replace(group, '.')).replace(decimal, '.')
  return /^\d+(\.\d+)?$/.test(number) ? number : undefined
}

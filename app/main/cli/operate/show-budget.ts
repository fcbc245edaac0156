import type { BudgetInfo, ModeInfo, Rule, RuleState, WorstCase } from '../../../shared/api.ts'
import { formatDecimalBytes, formatRate } from '../../../shared/format.ts'
import { quotaText } from './show-figures.ts'
import { counted, localTime, timeUntil } from './text.ts'

/** Why it sleeps, and what else ends that than time. */
const HELD: Readonly<Record<Rule, readonly [why: string, end: string]>> = {
  'quota-month': ["the month's quota is used up", 'it is raised'],
  'quota-day': ["the day's quota is used up", 'it is raised'],
  schedule: ['this hour is outside schedule.hours', 'they are changed'],
  battery: ['this machine runs on its battery', 'it is back on the mains'],
  'battery-level': ['the battery is low', 'it charges'],
  metered: ['the connection is metered', 'it is not'],
  'full-screen': ['a program fills the screen', 'it does not']
}

export const RULE_NAMES: Readonly<Record<Rule, string>> = {
  'quota-month': 'Quota',
  'quota-day': 'Quota a day',
  schedule: 'Schedule',
  battery: 'On battery',
  'battery-level': 'Low battery',
  metered: 'Metered',
  'full-screen': 'Full screen'
}

/** Of rules that go by what the system tells, where it does not. */
const UNTOLD: Readonly<Partial<Record<Rule, string>>> = {
  battery: 'this system does not say whether it runs on a battery',
  'battery-level': 'this system tells of no battery',
  metered: 'this system does not say whether the connection is metered',
  'full-screen': 'this system does not say which program fills the screen'
}

/** Which rule holds it and until when. */
export function heldText({ rule, until, circuitsLeft = 0 }: ModeInfo, now: number): string {
  const [why, end] = HELD[rule ?? 'quota-month']
  const left = circuitsLeft > 0 ? `, ${counted(circuitsLeft, 'circuit')} left` : ''
  return `held: ${why}${left}; asleep until ${until === undefined ? end : timeText(until, now)}`
}

const timeText = (time: string, now: number): string => `${localTime(time)}, in ${timeUntil(time, now)}`

/** The rules that are set, but for the quota of the month, and the processor's share. */
export function budgetRows({ rules, cpu }: BudgetInfo, now: number): [string, string][] {
  const others = rules.filter(({ rule, state }) => rule !== 'quota-month' || state === 'soft')
  const rows = others.map((state): [string, string] => [RULE_NAMES[state.rule], ruleText(state, now)])
  if (cpu.limitPercent === 0) return rows
  const used = cpu.percent === undefined ? '' : `${Math.round(cpu.percent)} % of `
  const narrowed = cpu.narrowedToBytesPerSecond
  const rate = narrowed === undefined ? '' : `; rate narrowed to ${formatRate(narrowed)} each way`
  const over = cpu.overloaded ? '; new work is refused' : ''
  return [...rows, ['Processor', `${used}at most ${cpu.limitPercent} % of one core${rate}${over}`]]
}

function ruleText(shown: RuleState, now: number): string {
  const { rule, state, until, usedBytes, limitBytes, resetsAt, untold } = shown
  const share = 'a peer that had more than its fair share of the rest gets no new circuits'
  if (rule === 'quota-month') return share
  if (usedBytes !== undefined && limitBytes !== undefined && resetsAt !== undefined) {
    const used = quotaText({ usedBytes, limitBytes, resetsAt })
    return state === 'soft' ? `${used}; ${share}` : used
  }
  const end = until === undefined ? '' : ` until ${timeText(until, now)}`
  if (state === 'holding') return `sleeps${end}`
  return untold === true ? `never sleeps: ${UNTOLD[rule] ?? 'this system does not say'}` : `works${end}`
}

const COUNTS = {
  both: 'sent and received together',
  sent: 'sent',
  received: 'received',
  larger: 'sent or received, whichever is more'
} as const

/** What the settings would come to in a month at worst. */
export function worstCaseText({ bytesPerMonth, boundBy, counts }: WorstCase): string {
  if (bytesPerMonth === null) {
    return 'At worst: no bound. Neither a quota nor a rate limits what is used in a month.'
  }
  const what =
    boundBy === 'rate' ? 'relayed traffic with its headers; the DHT comes on top' : 'all traffic of the node'
  return `At worst: ${formatDecimalBytes(bytesPerMonth)} a month, ${COUNTS[counts]} (${what}).`
}

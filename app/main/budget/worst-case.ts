import type { WorstCase } from '../../shared/api.ts'
import type { Settings } from '../../shared/settings.ts'
import { gridOf, HOURS_A_WEEK } from '../../shared/week-hours.ts'
import { usedPerRelayedByte } from './quota.ts'

const DAYS = 31
const SECONDS_A_MONTH = DAYS * 86_400
/** Headers of IP, TCP, Noise and Yamux around relayed bytes, and acknowledgements the other way: measured about 6 %. */
const HEADERS = 1.08

/**
 * The most that these settings allow in a month of 31 days: the smallest of the quotas and of what the rates could
 * carry in the hours of the schedule, in the bytes that `quota.counts` names.
 */
export function worstCaseOf(settings: Settings): WorstCase {
  const counts = settings['quota.counts']
  const hoursPerWeek = gridOf(settings['schedule.hours']).filter(Boolean).length
  const seconds = (SECONDS_A_MONTH * hoursPerWeek) / HOURS_A_WEEK
  const bounds = [
    { boundBy: 'quota-month', bytesPerMonth: unlimited(settings['quota.bytesPerMonth']) },
    { boundBy: 'quota-day', bytesPerMonth: unlimited(settings['quota.bytesPerDay']) * DAYS },
    { boundBy: 'rate', bytesPerMonth: Math.round(usedPerSecond(settings) * seconds) },
    { boundBy: 'nothing', bytesPerMonth: Infinity }
  ] as const
  const { boundBy, bytesPerMonth } = bounds.reduce((least, each) =>
    each.bytesPerMonth < least.bytesPerMonth ? each : least
  )
  if (bytesPerMonth === Infinity) return { bytesPerMonth: null, boundBy: 'nothing', counts, hoursPerWeek }
  return { bytesPerMonth, boundBy, counts, hoursPerWeek }
}

/** All circuits at their full rate, there and back: the rates hold in each direction. */
function usedPerSecond(settings: Settings): number {
  const circuits = unlimited(settings['relay.circuits.total'])
  const total = unlimited(settings['relay.rate.totalBytesPerSecond'])
  const each = unlimited(settings['relay.rate.perCircuitBytesPerSecond'])
  const eachWay = Math.min(total, circuits * each)
  return 2 * eachWay * usedPerRelayedByte(settings['quota.counts']) * HEADERS
}

const unlimited = (value: number): number => (value === 0 ? Infinity : value)

import type { HoldCause, Rule } from '../../shared/api.ts'

interface Words {
  /** Of refusals and of circuits that it ended. */
  cause: HoldCause
  /** For the log: why the node goes to sleep, and until when it does. */
  why: string
  until: string
}

export const RULE_WORDS: Readonly<Record<Rule, Words>> = {
  'quota-month': {
    cause: 'quota',
    why: 'the quota of the month is used up',
    until: 'the month ends or quota.bytesPerMonth is raised'
  },
  'quota-day': {
    cause: 'quota',
    why: 'the quota of the day is used up',
    until: 'the day ends or quota.bytesPerDay is raised'
  },
  schedule: {
    cause: 'schedule',
    why: 'this hour is outside schedule.hours',
    until: 'an hour of schedule.hours begins'
  },
  battery: { cause: 'power', why: 'this machine runs on its battery', until: 'it is back on the mains' },
  'battery-level': {
    cause: 'power',
    why: 'the battery is below power.batteryBelowPercent',
    until: 'it charges or holds more'
  },
  metered: { cause: 'power', why: 'the connection is metered', until: 'it is not' },
  'full-screen': {
    cause: 'power',
    why: 'a program of power.fullScreenPrograms fills the screen',
    until: 'it does not'
  }
}

import type { Rule } from '../../shared/api.ts'
import type { Key } from '../../shared/settings.ts'

/** The setting that makes each rule of the budget. */
export const RULE_SETTING: Readonly<Record<Rule, Key>> = {
  'quota-month': 'quota.bytesPerMonth',
  'quota-day': 'quota.bytesPerDay',
  schedule: 'schedule.hours',
  battery: 'power.holdOnBattery',
  'battery-level': 'power.batteryBelowPercent',
  metered: 'power.holdOnMetered',
  'full-screen': 'power.fullScreenPrograms'
}

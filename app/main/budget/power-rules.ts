import type { PowerState, Rule } from '../../shared/api.ts'
import type { Settings } from '../../shared/settings.ts'
import type { PowerFact } from '../power/power-source.ts'

/** By so much a battery must be above the level again: what it reports goes up and down by one. */
const LEVEL_MARGIN = 3

export type PowerRule = Extract<Rule, 'battery' | 'battery-level' | 'metered' | 'full-screen'>

/** What each rule goes by: without it, it never holds. */
const FACT_OF: Readonly<Record<PowerRule, PowerFact>> = {
  battery: 'onBattery',
  'battery-level': 'batteryPercent',
  metered: 'metered',
  'full-screen': 'fullScreenProgram'
}

/** What is to be asked of the system for the rules that are set: nothing where the node is switched off. */
export function factsNeeded(settings: Settings): Set<PowerFact> {
  if (!settings['relay.enabled']) return new Set()
  const set = judgePower(settings, {}, new Set()).map(({ rule }) => rule)
  const facts = new Set(set.map(rule => FACT_OF[rule]))
  if (facts.has('batteryPercent')) facts.add('onBattery')
  return facts
}

/** Whether the system does not tell what the rule goes by. */
export function isUntold(rule: Rule, untold: ReadonlySet<PowerFact>): boolean {
  return rule in FACT_OF && untold.has(FACT_OF[rule as PowerRule])
}

/** Which of the rules about battery, connection and screen are set, and whether each holds. `held`: those that did. */
export function judgePower(
  settings: Settings,
  power: PowerState,
  held: ReadonlySet<Rule>
): { rule: PowerRule; holds: boolean }[] {
  const { onBattery, batteryPercent, metered, fullScreenProgram } = power
  const level = settings['power.batteryBelowPercent']
  const low = level + (held.has('battery-level') ? LEVEL_MARGIN : 0)
  const programs = settings['power.fullScreenPrograms'].map(programName)
  const rules = [
    { rule: 'battery', set: settings['power.holdOnBattery'], holds: onBattery === true },
    {
      rule: 'battery-level',
      set: level > 0,
      // Where it charges nothing is lost; where nobody says whether it does, the level counts.
      holds: onBattery !== false && batteryPercent !== undefined && batteryPercent < low
    },
    { rule: 'metered', set: settings['power.holdOnMetered'], holds: metered === true },
    {
      rule: 'full-screen',
      set: programs.length > 0,
      holds: Boolean(fullScreenProgram) && programs.includes(programName(fullScreenProgram ?? ''))
    }
  ] as const
  return rules.filter(({ set }) => set).map(({ rule, holds }) => ({ rule, holds }))
}

/** `C:\Games\Doom.exe` -> `doom` */
function programName(program: string): string {
  const name = program.split(/[\\/]/).at(-1) ?? program
  return name.toLowerCase().replace(/\.exe$/, '')
}

import type { PowerReader } from './power-reader.ts'
import { outputOf, type Run } from './run-program.ts'

const EVERY_MS = 30_000

/** macOS tells of battery and UPS; whether the connection is metered it tells native programs alone. */
export function macReader(run: Run): PowerReader {
  return {
    facts: ['onBattery', 'batteryPercent'],
    everyMs: EVERY_MS,
    read: async () => {
      const text = (await outputOf(run, 'pmset', ['-g', 'batt'])) ?? ''
      // `Now drawing from 'Battery Power'`, ` -InternalBattery-0 (id=4653155)	85%; discharging; …`
      const source = /drawing from '(AC|Battery|UPS) Power'/.exec(text)?.[1]
      const level = /^ -.*\t(\d+)%/m.exec(text)?.[1]
      return {
        ...(source !== undefined && { onBattery: source !== 'AC' }),
        ...(level !== undefined && { batteryPercent: Number(level) })
      }
    }
  }
}

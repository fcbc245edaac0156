import type { PowerMonitor } from 'electron'
import type { KnownPower } from '../power/system-power.ts'

const EVERY_MS = 30_000

/**
 * What Electron tells of battery and sleep. On Linux Chromium does not know whether the machine runs on its battery, and says
 * that it does not: there only the end of a sleep is listened to.
 */
export function electronPower(
  monitor: Pick<PowerMonitor, 'isOnBatteryPower' | 'on' | 'removeListener'>,
  platform: NodeJS.Platform
): KnownPower {
  return {
    ...(platform !== 'linux' && {
      reader: {
        facts: ['onBattery'],
        everyMs: EVERY_MS,
        read: async () => ({ onBattery: monitor.isOnBatteryPower() })
      }
    }),
    listen: changed => {
      monitor.on('on-battery', changed).on('on-ac', changed).on('resume', changed)
      return () => {
        monitor.removeListener('on-battery', changed)
        monitor.removeListener('on-ac', changed)
        monitor.removeListener('resume', changed)
      }
    }
  }
}

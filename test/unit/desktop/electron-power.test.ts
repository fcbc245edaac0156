import { EventEmitter } from 'node:events'
import { expect, it } from 'vitest'
import { electronPower } from '../../../app/main/desktop/electron-power.ts'

/** Electron's own, as far as it is listened to. */
class Monitor extends EventEmitter {
  onBattery = false
  isOnBatteryPower = (): boolean => this.onBattery
}

it('asks Electron about the battery, but on Linux, where it always says no', async () => {
  const monitor = new Monitor()
  monitor.onBattery = true
  const { reader } = electronPower(monitor as never, 'darwin')
  expect(await reader?.read(new Set(['onBattery']))).toEqual({ onBattery: true })
  expect(electronPower(monitor as never, 'linux').reader).toBeUndefined()
})

it('hears of the cable and of the end of a sleep, and stops listening', () => {
  const monitor = new Monitor()
  let changes = 0
  const stop = electronPower(monitor as never, 'win32').listen?.(() => changes++)
  for (const event of ['on-battery', 'on-ac', 'resume']) monitor.emit(event)
  expect(changes).toBe(3)
  stop?.()
  expect(monitor.eventNames()).toEqual([])
})

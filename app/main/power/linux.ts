import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { PowerState } from '../../shared/api.ts'
import { fullScreenReader } from './full-screen.ts'
import type { PowerReader } from './power-reader.ts'
import { readSupplies } from './power-supplies.ts'
import { runProgram } from './run-program.ts'
import { SystemBus } from './system-bus.ts'

const EVERY_MS = 30_000

const UPOWER = { service: 'org.freedesktop.UPower' }
const DAEMON = { ...UPOWER, path: '/org/freedesktop/UPower', interface: 'org.freedesktop.UPower' }
/** All batteries that feed the machine as one; a UPS on USB, too, which the kernel does not list. */
const BATTERY = {
  ...UPOWER,
  path: '/org/freedesktop/UPower/devices/DisplayDevice',
  interface: 'org.freedesktop.UPower.Device'
}
const METERED = {
  service: 'org.freedesktop.NetworkManager',
  path: '/org/freedesktop/NetworkManager',
  interface: 'org.freedesktop.NetworkManager',
  name: 'Metered'
}

export function linuxReaders(env: NodeJS.ProcessEnv = process.env): PowerReader[] {
  const bus = new SystemBus({ run: runProgram, isThere: () => hasSystemBus(env) })
  const readComm = async (pid: string): Promise<string | undefined> =>
    readFile(`/proc/${pid}/comm`, 'utf8').catch(() => undefined)
  return [
    batteryReader({ bus, supplies: readSupplies }),
    meteredReader(bus),
    ...(env['DISPLAY'] ? [fullScreenReader({ run: runProgram, readComm }, env)] : [])
  ]
}

type Bus = Pick<SystemBus, 'boolean' | 'number'>

/** The kernel's own files; where they know of no battery, UPower. */
export function batteryReader(components: {
  bus: Bus
  supplies: () => Promise<PowerState | undefined>
}): PowerReader {
  const { bus, supplies } = components
  return {
    facts: ['onBattery', 'batteryPercent'],
    everyMs: EVERY_MS,
    read: async needed => {
      const state = await supplies()
      if (state?.onBattery !== undefined) return state
      const onBattery = await bus.boolean({ ...DAEMON, name: 'OnBattery' })
      // Without a battery, nothing but the mains is left.
      if (onBattery === undefined) return state === undefined ? {} : { onBattery: false }
      if (!needed.has('batteryPercent')) return { onBattery }
      const isPresent = await bus.boolean({ ...BATTERY, name: 'IsPresent' })
      const level = isPresent === true ? await bus.number({ ...BATTERY, name: 'Percentage' }) : undefined
      return { onBattery, ...(level !== undefined && { batteryPercent: Math.round(level) }) }
    }
  }
}

/** NetworkManager's NMMetered: of the connection that has the default route. 1 yes, 2 no, 3 and 4 the same, guessed. */
const IS_METERED: Readonly<Record<number, boolean>> = { 1: true, 2: false, 3: true, 4: false }

export function meteredReader(bus: Bus): PowerReader {
  return {
    facts: ['metered'],
    everyMs: EVERY_MS,
    read: async () => {
      const metered = IS_METERED[(await bus.number(METERED)) ?? 0]
      return metered === undefined ? {} : { metered }
    }
  }
}

/** Without one, each client would only say that there is none. */
function hasSystemBus(env: NodeJS.ProcessEnv): boolean {
  if (env['DBUS_SYSTEM_BUS_ADDRESS']) return true
  return ['/run', '/var/run'].some(folder => existsSync(`${folder}/dbus/system_bus_socket`))
}

import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import type { PowerState } from '../../shared/api.ts'

/** Of a Linux kernel: Documentation/ABI/testing/sysfs-class-power. */
const FOLDER = '/sys/class/power_supply'

interface Supply {
  type: string
  /** A battery's: Charging, Discharging, Full, Not charging, Unknown. */
  status: string | undefined
  /** A cable's: whether it gives power. */
  online: boolean
  /** 0 to 100. */
  capacity: number | undefined
  /** When full, in µWh. */
  energy: number | undefined
}

/** Battery and mains of this machine; undefined where the system has no such folder. No battery: an empty state. */
export async function readSupplies(folder: string = FOLDER): Promise<PowerState | undefined> {
  const names = await readdir(folder).catch(() => undefined)
  if (names === undefined) return undefined
  const found = await Promise.all(names.map(name => readSupply(path.join(folder, name))))
  const supplies = found.filter(supply => supply !== undefined)
  const batteries = supplies.filter(({ type }) => type === 'Battery' || type === 'UPS')
  if (batteries.length === 0) return {}
  const batteryPercent = levelOf(batteries)
  return {
    onBattery: isOnBattery(supplies, batteries),
    ...(batteryPercent !== undefined && { batteryPercent })
  }
}

async function readSupply(folder: string): Promise<Supply | undefined> {
  const read = async (name: string): Promise<string | undefined> =>
    (await readFile(path.join(folder, name), 'utf8').catch(() => undefined))?.trim()
  const number = async (name: string): Promise<number | undefined> => {
    const text = await read(name)
    return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text)
  }
  const [type, scope, present] = await Promise.all([read('type'), read('scope'), read('present')])
  // `Device`: that of a mouse or a keyboard. `present` 0: the battery was taken out.
  if (type === undefined || scope === 'Device' || present === '0') return undefined
  const [status, online] = await Promise.all([read('status'), read('online')])
  const [capacity, energy] = await Promise.all([number('capacity'), number('energy_full')])
  return { type, status, online: online === '1', capacity, energy }
}

/**
 * Where a charger is too weak, its cable gives power and the battery discharges nonetheless: that counts as mains. A
 * socket of USB-C says `online` also while it feeds a telephone, so there the battery's status counts.
 */
function isOnBattery(supplies: readonly Supply[], batteries: readonly Supply[]): boolean {
  const mains = supplies.filter(({ type }) => type === 'Mains')
  if (mains.some(({ online }) => online)) return false
  if (batteries.some(({ status }) => status === 'Discharging')) return true
  return mains.length > 0 && batteries.every(({ status }) => status === undefined || status === 'Unknown')
}

/** Of several, weighted by what they hold where all tell it. */
function levelOf(batteries: readonly Supply[]): number | undefined {
  const known = batteries.filter(({ capacity }) => capacity !== undefined)
  if (known.length === 0) return undefined
  const weighted = known.every(({ energy = 0 }) => energy > 0)
  const weights = known.map(({ energy = 1 }) => (weighted ? energy : 1))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const sum = known.reduce((all, { capacity = 0 }, at) => all + capacity * (weights[at] ?? 0), 0)
  return Math.min(100, Math.round(sum / total))
}

import type { SettingInfo, SettingsChange } from '../../shared/api.ts'
import { IPFS_NETWORK, type Network } from '../../shared/network-link.ts'

/** What a person chooses before anything is relayed. Amounts as in the settings; 0: no limit. */
export interface Choice {
  rateBytesPerSecond: number
  quotaBytesPerMonth: number
  mapPorts: boolean
  checkUpdates: boolean
  help: Help
}

/** Whom to help; `keep` leaves what the settings say. */
export type Help =
  { whom: 'nobody' } | { whom: 'ipfs' } | { whom: 'keep' } | { whom: 'network'; network: Network }

const MBIT = 125_000
const GB = 1_000_000_000

/** The stops of the sliders: about as far from each other by ratio, round numbers, and no limit at the end. */
export const RATE_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].map(step => step * MBIT).concat(0)
export const QUOTA_STEPS = [5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]
  .map(step => step * GB)
  .concat(0)

/** The stop that a value stands at or, by ratio, is nearest to. */
export function stepOf(steps: readonly number[], value: number): number {
  const distance = (step: number): number =>
    value === 0 || step === 0 ? (value === step ? 0 : Infinity) : Math.abs(Math.log(step / value))
  return steps.reduce((best, step, at) => (distance(step) < distance(steps[best] ?? 0) ? at : best), 0)
}

const GIB = 2 ** 30
const MONTH_SECONDS = 30 * 86_400

/**
 * CPU time for a GiB relayed over TCP (`npm run bench`), for the node by itself and in the desktop app. The more slowly
 * bytes pass the more each costs, because the node then wakes up for fewer of them; the last is that without a rate.
 */
const COSTS = [
  { bytesPerSecond: 10 * MBIT, node: 30, app: 64 },
  { bytesPerSecond: 100 * MBIT, node: 14, app: 24 },
  { bytesPerSecond: 1000 * MBIT, node: 5, app: 7 }
] as const

/** CPU seconds a GiB at that rate in each direction; 0: no limit. Between what was measured by ratio of the rates. */
export function cpuSecondsPerGib(rate: number, isDesktop: boolean): number {
  const kind = isDesktop ? 'app' : 'node'
  const above = COSTS.findIndex(({ bytesPerSecond }) => rate !== 0 && rate <= bytesPerSecond)
  const [low, high] = above <= 0 ? [undefined, COSTS.at(above)] : [COSTS[above - 1], COSTS[above]]
  if (high === undefined) return 0
  if (low === undefined) return high[kind]
  const way = Math.log(rate / low.bytesPerSecond) / Math.log(high.bytesPerSecond / low.bytesPerSecond)
  return low[kind] + way * (high[kind] - low[kind])
}

export interface Cost {
  /** What the line then carries at most, up and down each: a relayed byte comes in and goes out again. */
  lineBytesPerSecond: number | undefined
  /** Share of one core while the rate is used up in both directions. */
  busyCoreShare: number | undefined
  /** Share of one core over a month that uses up the quota, or runs at the full rate all the time. */
  monthCoreShare: number | undefined
  /** How long the month's data lasts if the rate is used up in both directions. */
  lastsSeconds: number | undefined
}

/** What the limits can cost at most; undefined where a limit is missing that would say so. */
export function costOf(
  {
    rateBytesPerSecond: rate,
    quotaBytesPerMonth: quota
  }: Pick<Choice, 'rateBytesPerSecond' | 'quotaBytesPerMonth'>,
  { isDesktop }: { isDesktop: boolean }
): Cost {
  const perByte = cpuSecondsPerGib(rate, isDesktop) / GIB
  // The rate holds in each direction of the circuits; the quota counts what comes in and what goes out.
  const busyBytesPerSecond = rate === 0 ? undefined : 2 * rate
  const relayedAMonth = Math.min(
    quota === 0 ? Infinity : quota / 2,
    busyBytesPerSecond === undefined ? Infinity : busyBytesPerSecond * MONTH_SECONDS
  )
  const lastsSeconds =
    busyBytesPerSecond === undefined || quota === 0 ? undefined : quota / (2 * busyBytesPerSecond)
  return {
    lineBytesPerSecond: busyBytesPerSecond,
    busyCoreShare: busyBytesPerSecond === undefined ? undefined : busyBytesPerSecond * perByte,
    monthCoreShare: Number.isFinite(relayedAMonth) ? (relayedAMonth * perByte) / MONTH_SECONDS : undefined,
    lastsSeconds: lastsSeconds !== undefined && lastsSeconds < MONTH_SECONDS ? lastsSeconds : undefined
  }
}

type Find = (key: string) => SettingInfo | undefined

/** What the settings say now, to begin with. Whoever never decided is offered what the opt-in switches on. */
export function choiceFrom(settings: readonly SettingInfo[], { undecided }: { undecided: boolean }): Choice {
  const find: Find = key => settings.find(setting => setting.key === key)
  const value = (key: string): unknown => find(key)?.value
  const offered = (key: string): boolean =>
    value(key) === true || (undecided && find(key)?.from === 'default')
  return {
    rateBytesPerSecond: Number(value('relay.rate.totalBytesPerSecond') ?? 0),
    quotaBytesPerMonth: Number(value('quota.bytesPerMonth') ?? 0),
    mapPorts: offered('upnp'),
    checkUpdates: offered('updates.check'),
    help: { whom: helpedNow(settings) }
  }
}

/** The networks that the settings name: that of dht.bootstrap, if there is any, then those of `networks`. */
export function networksNow(settings: readonly SettingInfo[]): Network[] {
  const value = (key: string): unknown => settings.find(setting => setting.key === key)?.value
  const bootstrap = (value('dht.bootstrap') as string[] | undefined) ?? []
  const dht = (value('dht.protocol') as string | undefined) ?? ''
  const added = (value('networks') as Network[] | undefined) ?? []
  return bootstrap.length === 0 ? added : [{ name: dht, dht, bootstrap, namespaces: [] }, ...added]
}

/** Whom the settings say to help: `keep` for networks of one's own. */
export function helpedNow(settings: readonly SettingInfo[]): 'nobody' | 'ipfs' | 'keep' {
  const isOff = settings.find(({ key }) => key === 'dht.enabled')?.value === false
  const networks = networksNow(settings)
  if (networks.length === 0 || isOff) return 'nobody'
  return networks.every(isIpfs) ? 'ipfs' : 'keep'
}

/** Whether it is the public DHT of IPFS, whatever it is called. */
export const isIpfs = ({ dht, bootstrap }: Pick<Network, 'dht' | 'bootstrap'>): boolean =>
  dht === IPFS_NETWORK.dht &&
  bootstrap.length > 0 &&
  bootstrap.every(address => IPFS_NETWORK.bootstrap.includes(address))

/** All in one change, so that nothing of it is in force unless all is. What flags or the environment set stays out. */
export function changeFor(
  choice: Choice,
  settings: readonly SettingInfo[],
  { isDesktop }: { isDesktop: boolean }
): SettingsChange {
  const values: Record<string, unknown> = {
    'relay.enabled': true,
    'relay.rate.totalBytesPerSecond': choice.rateBytesPerSecond,
    'quota.bytesPerMonth': choice.quotaBytesPerMonth,
    upnp: choice.mapPorts,
    ...(isDesktop && { 'updates.check': choice.checkUpdates }),
    ...valuesOf(choice.help, settings)
  }
  const locked = new Set(settings.filter(setting => setting.locked).map(({ key }) => key))
  return { values: Object.fromEntries(Object.entries(values).filter(([key]) => !locked.has(key))) }
}

function valuesOf(help: Help, settings: readonly SettingInfo[]): Record<string, unknown> {
  if (help.whom === 'keep') return {}
  const isOff = settings.find(({ key }) => key === 'dht.enabled')?.value === false
  // Switched off it joins nobody already, and who is entered there stays for when it is on again.
  if (help.whom === 'nobody') return isOff ? {} : { 'dht.bootstrap': [], networks: [] }
  const network = help.whom === 'ipfs' ? IPFS_NETWORK : help.network
  // Without the DHT there is no way into a network.
  const on = isOff ? { 'dht.enabled': true } : {}
  if (help.whom === 'ipfs' && networksNow(settings).some(isIpfs)) return on
  const added = (settings.find(({ key }) => key === 'networks')?.value as Network[] | undefined) ?? []
  return { networks: [...added.filter(({ name }) => name !== network.name), network], ...on }
}

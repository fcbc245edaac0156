import { expect, test } from 'vitest'
import {
  changeFor,
  choiceFrom,
  costOf,
  cpuSecondsPerGib,
  helpedNow,
  QUOTA_STEPS,
  RATE_STEPS,
  stepOf,
  type Choice
} from '../../../app/renderer/state/welcome.ts'
import type { SettingInfo } from '../../../app/shared/api.ts'
import { IPFS_NETWORK } from '../../../app/shared/network-link.ts'
import { defaultsOf, keys, type Key } from '../../../app/shared/settings.ts'

const GB = 1_000_000_000
const HOME = defaultsOf('home', 'desktop')

/** The settings of a desktop app that was just installed, with some of them given. */
function settingsWith(given: Partial<Record<Key, Partial<SettingInfo>>> = {}): SettingInfo[] {
  return keys.map(key => ({
    key,
    value: HOME[key],
    text: '',
    default: HOME[key],
    from: 'default',
    group: '',
    help: '',
    kind: '',
    allowed: '',
    applies: 'live',
    pending: false,
    locked: false,
    ...given[key]
  }))
}
const choice = (part: Partial<Choice> = {}): Choice => ({
  ...choiceFrom(settingsWith(), { undecided: true }),
  ...part
})
const values = (
  part: Partial<Choice>,
  settings = settingsWith(),
  isDesktop = true
): Record<string, unknown> => changeFor(choice(part), settings, { isDesktop }).values

test('the sliders begin at the limits of the settings', () => {
  expect(RATE_STEPS[stepOf(RATE_STEPS, choice().rateBytesPerSecond)]).toBe(1_250_000)
  expect(QUOTA_STEPS[stepOf(QUOTA_STEPS, choice().quotaBytesPerMonth)]).toBe(100 * GB)
})

test('a value between two stops stands at the nearer one by ratio, and none at the end', () => {
  expect(QUOTA_STEPS[stepOf(QUOTA_STEPS, 60 * GB)]).toBe(50 * GB)
  expect(QUOTA_STEPS[stepOf(QUOTA_STEPS, 80 * GB)]).toBe(100 * GB)
  expect(QUOTA_STEPS[stepOf(QUOTA_STEPS, 1)]).toBe(5 * GB)
  expect(stepOf(QUOTA_STEPS, 0)).toBe(QUOTA_STEPS.length - 1)
  expect(stepOf(QUOTA_STEPS, 10 ** 18)).toBe(QUOTA_STEPS.length - 2)
})

test('the cost of 10 Mbit/s each way and 100 GB a month', () => {
  const cost = costOf({ rateBytesPerSecond: 1_250_000, quotaBytesPerMonth: 100 * GB }, { isDesktop: false })
  // 2.5 MB/s are relayed at most, at 30 CPU seconds a GiB; each byte counts as it comes and as it goes.
  expect(cost.busyCoreShare).toBeCloseTo(0.0698, 4)
  expect(cost.lineBytesPerSecond).toBe(2_500_000)
  expect(cost.lastsSeconds).toBe(20_000)
  expect(cost.monthCoreShare).toBeCloseTo((50 / 1.073741824) * (30 / 2_592_000), 6)
})

test('a byte costs less the faster they come', () => {
  const MB = 1_000_000
  expect([0.5, 1.25, 12.5, 125, 500, 0].map(rate => cpuSecondsPerGib(rate * MB, false))).toEqual([
    30, 30, 14, 5, 5, 5
  ])
  expect(cpuSecondsPerGib(4 * MB, true)).toBeCloseTo(43.8, 1)
})

test('the desktop app costs more processor time than the node by itself', () => {
  const limits = { rateBytesPerSecond: 1_250_000, quotaBytesPerMonth: 0 }
  const [app, node] = [costOf(limits, { isDesktop: true }), costOf(limits, { isDesktop: false })]
  expect(app.busyCoreShare).toBeGreaterThan(node.busyCoreShare ?? Infinity)
})

test('where a limit is missing, what it would say is missing', () => {
  const none = costOf({ rateBytesPerSecond: 0, quotaBytesPerMonth: 0 }, { isDesktop: false })
  expect(none).toEqual({
    lineBytesPerSecond: undefined,
    busyCoreShare: undefined,
    monthCoreShare: undefined,
    lastsSeconds: undefined
  })
  const large = costOf({ rateBytesPerSecond: 125_000, quotaBytesPerMonth: 10_000 * GB }, { isDesktop: false })
  expect(large.lastsSeconds).toBeUndefined()
  expect(large.monthCoreShare).toBe(large.busyCoreShare)
})

test('whoever never decided is offered port mapping and update checks; a decision of before stays', () => {
  expect(choice()).toMatchObject({ mapPorts: true, checkUpdates: true })
  const decided = settingsWith({ upnp: { value: false, from: 'file' } })
  expect(choiceFrom(decided, { undecided: true }).mapPorts).toBe(false)
  expect(choiceFrom(settingsWith(), { undecided: false }).checkUpdates).toBe(false)
})

test('opting in is one change with all that was chosen', () => {
  expect(values({ mapPorts: false, help: { whom: 'nobody' } })).toEqual({
    'relay.enabled': true,
    'relay.rate.totalBytesPerSecond': 1_250_000,
    'quota.bytesPerMonth': 100 * GB,
    upnp: false,
    'updates.check': true,
    'dht.bootstrap': [],
    networks: []
  })
})

test('a browser says nothing of updates', () => {
  expect(values({}, settingsWith(), false)).not.toHaveProperty('updates.check')
})

test('what flags or the environment set is not sent', () => {
  const settings = settingsWith({ 'quota.bytesPerMonth': { locked: true, from: 'flag' } })
  expect(values({}, settings)).not.toHaveProperty('quota.bytesPerMonth')
})

const CHAT = {
  name: 'Chat',
  dht: '/chat/kad/1.0.0',
  bootstrap: ['/dns4/example.org/tcp/1/p2p/12D3KooWx'],
  namespaces: ['/libp2p/relay']
}

test('joining a network adds it to those that are there, and switches the DHT on', () => {
  const off = settingsWith({ 'dht.enabled': { value: false, from: 'file' } })
  const help = { whom: 'network', network: CHAT } as const
  expect(values({ help })).toMatchObject({ networks: [CHAT] })
  expect(values({ help })).not.toHaveProperty('dht.enabled')
  expect(values({ help })).not.toHaveProperty('dht.bootstrap')
  expect(values({ help }, off)).toMatchObject({ networks: [CHAT], 'dht.enabled': true })
  const before = settingsWith({ networks: { value: [{ ...CHAT, bootstrap: [] }, IPFS_NETWORK] } })
  expect(values({ help }, before)).toMatchObject({ networks: [IPFS_NETWORK, CHAT] })
})

test('the network of IPFS is joined once', () => {
  const help = { whom: 'ipfs' } as const
  expect(values({ help })).toMatchObject({ networks: [IPFS_NETWORK] })
  const joined = settingsWith({ 'dht.bootstrap': { value: IPFS_NETWORK.bootstrap } })
  expect(values({ help }, joined)).not.toHaveProperty('networks')
})

test('peers of a DHT that is switched off are kept for when it is on again', () => {
  const off = settingsWith({ 'dht.enabled': { value: false, from: 'file' } })
  expect(values({ help: { whom: 'nobody' } }, off)).not.toHaveProperty('dht.bootstrap')
})

test('knows whom the settings help', () => {
  const helps = (bootstrap: string[], protocol: string, networks: object[] = []): string =>
    helpedNow(
      settingsWith({
        'dht.bootstrap': { value: bootstrap },
        'dht.protocol': { value: protocol },
        networks: { value: networks }
      })
    )
  expect(helps([], '/ipfs/kad/1.0.0')).toBe('nobody')
  expect(helps(IPFS_NETWORK.bootstrap, IPFS_NETWORK.dht)).toBe('ipfs')
  expect(helps(IPFS_NETWORK.bootstrap, '/chat/kad/1.0.0')).toBe('keep')
  expect(helps(CHAT.bootstrap, '/ipfs/kad/1.0.0')).toBe('keep')
  expect(helps([], '/ipfs/kad/1.0.0', [IPFS_NETWORK])).toBe('ipfs')
  expect(helps([], '/ipfs/kad/1.0.0', [IPFS_NETWORK, CHAT])).toBe('keep')
})

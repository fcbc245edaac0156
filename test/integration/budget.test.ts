import { multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import type { App } from '../../app/main/app.ts'
import type { PowerFact, PowerSource } from '../../app/main/power/power-source.ts'
import type { CircuitClosed } from '../../app/main/observe/events.ts'
import type { PowerState } from '../../app/shared/api.ts'
import { WEEKDAYS } from '../../app/shared/week-hours.ts'
import { createApp } from '../support/app.ts'
import { createListener, createPlainClient, dialThrough, exchange, reserve } from '../support/clients.ts'
import { temporaryFolder } from '../support/command.ts'
import { carry } from '../support/quota.ts'
import { addressOf } from '../support/relay.ts'
import { until } from '../support/until.ts'

const MB = 1_000_000

/** A machine that is plugged in and out by the test. */
interface Machine extends PowerSource {
  set(state: PowerState): void
  needed(): PowerFact[]
  /** Comes while the first question is under way. */
  needing?: () => Promise<void>
}

function createPower(): Machine {
  const listeners = new Set<() => void>()
  let state: PowerState = {}
  let needed: PowerFact[] = []
  const power: Machine = {
    state: () => state,
    onChange: changed => {
      listeners.add(changed)
      return () => void listeners.delete(changed)
    },
    need: async facts => {
      needed = [...facts]
      await power.needing?.()
    },
    untold: () => new Set(needed.filter(fact => state[fact] === undefined)),
    needed: () => needed,
    set: next => {
      state = next
      for (const changed of listeners) changed()
    }
  }
  return power
}

const endsOf = (app: App): CircuitClosed['reason'][] => {
  const reasons: CircuitClosed['reason'][] = []
  app.bus.on('circuit-closed', ({ reason }) => void reasons.push(reason))
  return reasons
}

it('drops nothing when the battery is charged again, and ends circuits by that reason when it is not', async () => {
  await using folder = await temporaryFolder()
  const power = createPower()
  const settings = { 'power.holdOnBattery': true, 'shutdown.timeoutSeconds': 30 }
  const { app } = createApp(folder.dir, settings, { power })
  await app.start()
  expect(power.needed()).toEqual(['onBattery'])
  const ends = endsOf(app)
  const address = addressOf(app.addresses, 'tcp')
  await using listener = await createListener(address)
  await using dialer = await createPlainClient()
  const stream = await dialThrough(dialer, address, listener)
  await using late = await createPlainClient()
  const connection = await late.dial(multiaddr(address))

  power.set({ onBattery: true })
  expect(app.mode).toEqual({ mode: 'held', rule: 'battery', circuitsLeft: 1 })
  expect((await reserve(connection)).status).toBe(200)
  expect((await app.api.refusals())[0]).toMatchObject({ reason: 'power', setting: 'power.holdOnBattery' })
  power.set({ onBattery: false })
  expect(app.mode).toEqual({ mode: 'open' })
  expect((await reserve(connection)).status).toBe(100)
  expect(await exchange(stream, 1000)).toBe(true)

  app.settings.change({ 'shutdown.timeoutSeconds': 1 })
  power.set({ onBattery: true })
  await until('the node sleeps', () => app.addresses.length === 0, 10)
  expect(ends).toEqual(['power'])
  const { budget } = await app.api.status()
  expect(budget).toMatchObject({
    rules: [{ rule: 'battery', state: 'holding' }],
    holding: 'battery',
    power: { onBattery: true }
  })
  await until('its time is counted', async () => {
    const metrics = await app.api.metrics()
    const held = metrics.find(({ name }) => name === 'waystation_held_seconds_total')
    return held?.values.some(({ labels, value }) => labels['rule'] === 'battery' && value >= 1) === true
  })

  power.set({ onBattery: false })
  await until('it is awake', () => app.addresses.length > 0, 10)
  app.settings.change({ 'power.holdOnMetered': true })
  expect(power.needed()).toEqual(['onBattery', 'metered'])
  expect((await app.api.status()).budget.rules).toContainEqual({
    rule: 'metered',
    state: 'free',
    untold: true
  })
  app.settings.change({ 'relay.enabled': false })
  expect(power.needed()).toEqual([])
  app.settings.change({ 'relay.enabled': true })
  expect(power.needed()).toEqual(['onBattery', 'metered'])
  await app.stop()
  expect(power.needed()).toEqual([])
})

it('does not begin to work where its battery holds it at the start', async () => {
  await using folder = await temporaryFolder()
  const power = createPower()
  power.needing = async () => power.set({ onBattery: true })
  const { app } = createApp(folder.dir, { 'power.holdOnBattery': true }, { power })
  const modes: string[] = []
  app.events.listen(
    ({ name, value }) => void (name === 'mode-changed' && modes.push(value.mode)),
    ['mode-changed']
  )
  await app.start()
  expect(app.mode).toMatchObject({ mode: 'held', rule: 'battery' })
  expect(app.addresses).toEqual([])
  expect(modes).not.toContain('open')
  await app.stop()
})

it('sleeps outside its hours, says until when, and wakes when they are changed', async () => {
  await using folder = await temporaryFolder()
  const yesterday = WEEKDAYS[(new Date().getDay() + 5) % 7] ?? 'mon'
  const { app } = createApp(folder.dir, { 'schedule.hours': [yesterday] })
  await app.start()
  expect(app.addresses).toEqual([])
  expect(app.mode).toMatchObject({ mode: 'held', rule: 'schedule' })
  const midnight = new Date(app.mode.until ?? 0)
  expect([WEEKDAYS[(midnight.getDay() + 6) % 7], midnight.getHours()]).toEqual([yesterday, 0])

  app.settings.change({ 'schedule.hours': 'none' })
  await until('it is awake', () => app.addresses.length > 0, 10)
  await app.stop()
})

it('gives a peer that had its share of the rest no new circuit, and all others one; then ends what is spent', async () => {
  await using folder = await temporaryFolder()
  const settings = { 'quota.bytesPerMonth': 10 * MB, 'shutdown.timeoutSeconds': 86_400 }
  const { app } = createApp(folder.dir, settings)
  await app.start()
  const ends = endsOf(app)
  const address = addressOf(app.addresses, 'tcp')
  await using listener = await createListener(address)
  await using dialer = await createPlainClient()
  await using otherListener = await createListener(address)
  await using otherDialer = await createPlainClient()
  carry(app, 8 * MB)
  await until('the rest is shared out', async () => {
    return (await app.api.status()).budget.rules[0]?.state === 'soft'
  })

  // 2 MB of traffic are left, which is 1 MB relayed; two pairs may have half of it each.
  const stream = await dialThrough(dialer, address, listener)
  expect(await exchange(stream, 300_000)).toBe(true)
  await dialThrough(otherDialer, address, otherListener)
  await using late = await createPlainClient()
  await until('what it carried is seen', async () => {
    const found = await dialThrough(late, address, listener).catch(() => undefined)
    if (found !== undefined) await late.hangUp(listener.peerId)
    return (await app.api.refusals())[0]?.reason === 'fair-share'
  })
  expect(await exchange(stream, 1000)).toBe(true)
  expect((await app.api.refusals())[0]).toMatchObject({ reason: 'fair-share', setting: 'quota.softPercent' })

  carry(app, 2 * MB)
  await until('the node sleeps', () => app.addresses.length === 0, 10)
  expect(new Set(ends.slice(-2))).toEqual(new Set(['quota']))
  await app.stop()
})

import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { PowerReader } from '../../../app/main/power/power-reader.ts'
import type { PowerFact } from '../../../app/main/power/power-source.ts'
import { PowerWatch } from '../../../app/main/power/power-watch.ts'
import type { PowerState } from '../../../app/shared/api.ts'
import { VirtualTiming } from '../relay/virtual-timing.ts'

const set = (...facts: PowerFact[]): Set<PowerFact> => new Set(facts)

/** A machine whose facts the test sets; `asked` counts how often each reader was asked. */
function create(state: PowerState = {}, more: PowerReader[] = []) {
  const timing = new VirtualTiming()
  const machine = { state, asked: { battery: 0, network: 0 }, changes: 0, broken: false }
  const nudges = new Set<() => void>()
  const reader = (name: 'battery' | 'network', facts: PowerFact[]): PowerReader => ({
    facts,
    everyMs: 30_000,
    read: async () => {
      machine.asked[name]++
      if (machine.broken) throw new Error('nothing is told')
      return Object.fromEntries(facts.map(fact => [fact, machine.state[fact]]))
    }
  })
  const watch = new PowerWatch({
    readers: [...more, reader('battery', ['onBattery', 'batteryPercent']), reader('network', ['metered'])],
    timing,
    listen: changed => {
      nudges.add(changed)
      return () => void nudges.delete(changed)
    }
  })
  watch.onChange(() => machine.changes++)
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      timing.advance(1000)
      await turn()
    }
  }
  const nudge = async (): Promise<void> => {
    for (const each of nudges) each()
    await turn()
  }
  return { watch, machine, timing, pass, nudge, listeners: () => nudges.size }
}

describe('the system', () => {
  it('is asked for nothing that no rule needs', async () => {
    const { watch, machine, timing, pass, listeners } = create({ onBattery: true, metered: true })
    await pass(120)
    expect([machine.asked, timing.waiting, listeners()]).toEqual([{ battery: 0, network: 0 }, 0, 0])

    await watch.need(set('metered'))
    await pass(60)
    expect(machine.asked).toEqual({ battery: 0, network: 3 })
    expect(watch.state()).toEqual({ metered: true })

    await watch.need(set())
    await pass(60)
    expect([watch.state(), timing.waiting, listeners()]).toEqual([{}, 0, 0])
    expect(machine.asked.network).toBe(3)
  })

  it('is heard at once the first time, and known when the question is answered', async () => {
    const { watch, machine } = create({ onBattery: true, batteryPercent: 40 })
    await watch.need(set('onBattery', 'batteryPercent'))
    expect(watch.state()).toEqual({ onBattery: true, batteryPercent: 40 })
    expect(machine.changes).toBe(1)
  })

  it('is asked at once when it calls', async () => {
    const { watch, machine, pass, nudge } = create({ onBattery: false })
    await watch.need(set('onBattery'))
    machine.state = { onBattery: true }
    await nudge()
    expect(machine.asked.battery).toBe(2)
    await pass(30)
    expect(watch.state()).toEqual({ onBattery: true })
  })

  it('tells nothing where it was asked and does not', async () => {
    const { watch } = create({ onBattery: false })
    await watch.need(set('onBattery', 'metered', 'fullScreenProgram'))
    expect(watch.state()).toEqual({ onBattery: false })
    expect(watch.untold()).toEqual(set('metered', 'fullScreenProgram'))
    await watch.need(set('onBattery'))
    expect(watch.untold()).toEqual(set())
  })

  it('is not said to tell nothing before it was asked', async () => {
    const { watch } = create()
    const known = watch.need(set('metered'))
    expect(watch.untold()).toEqual(set())
    await known
    expect(watch.untold()).toEqual(set('metered'))
  })

  it('may say less than what stands before it', async () => {
    const electron: PowerReader = {
      facts: ['onBattery'],
      everyMs: 30_000,
      read: async () => ({ onBattery: true })
    }
    const { watch } = create({ onBattery: false, batteryPercent: 70 }, [electron])
    await watch.need(set('onBattery', 'batteryPercent'))
    expect(watch.state()).toEqual({ onBattery: true, batteryPercent: 70 })
  })
})

describe('what lasts for seconds', () => {
  it('puts no node to sleep: a cable that is back in 25 s', async () => {
    const { watch, machine, pass, nudge } = create({ onBattery: false })
    await watch.need(set('onBattery'))
    machine.state = { onBattery: true }
    await nudge()
    await pass(25)
    machine.state = { onBattery: false }
    await nudge()
    await pass(60)
    expect([watch.state(), machine.changes]).toEqual([{ onBattery: false }, 1])
  })

  it('wakes none either: 30 s until it counts, 10 s until it no longer does', async () => {
    const { watch, machine, pass, nudge } = create({ onBattery: false })
    await watch.need(set('onBattery'))
    machine.state = { onBattery: true }
    await nudge()
    await pass(29)
    expect(watch.state()).toEqual({ onBattery: false })
    await pass(1)
    expect(watch.state()).toEqual({ onBattery: true })

    machine.state = { onBattery: false }
    await nudge()
    await pass(9)
    expect(watch.state()).toEqual({ onBattery: true })
    await pass(1)
    expect([watch.state(), machine.changes]).toEqual([{ onBattery: false }, 3])
  })

  it('is looked at once more before it counts, also where the system does not call', async () => {
    const { watch, machine, pass } = create({ metered: false })
    await watch.need(set('metered'))
    machine.state = { metered: true }
    await pass(59)
    expect(watch.state()).toEqual({ metered: false })
    await pass(1)
    expect(watch.state()).toEqual({ metered: true })
  })

  it('counts for the level of the battery, which has a margin of its own', async () => {
    const { watch, machine, nudge } = create({ batteryPercent: 20 })
    await watch.need(set('batteryPercent'))
    machine.state = { batteryPercent: 19 }
    await nudge()
    expect(watch.state()).toEqual({ batteryPercent: 19 })
  })

  it('is no reason to forget what is known: one answer that fails', async () => {
    const { watch, machine, pass, nudge } = create({ metered: true })
    await watch.need(set('metered'))
    machine.broken = true
    await nudge()
    machine.broken = false
    await pass(30)
    expect([watch.state(), machine.changes]).toEqual([{ metered: true }, 1])
    machine.broken = true
    await pass(60)
    expect([watch.state(), watch.untold()]).toEqual([{}, set('metered')])
  })
})

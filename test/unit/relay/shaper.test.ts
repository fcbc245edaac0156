import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Shaper, type Direction, type Flow, type Rates } from '../../../app/main/relay/budget/shaper.ts'
import { VirtualTiming } from './virtual-timing.ts'

const none: Rates = {
  totalBytesPerSecond: Infinity,
  perPeerBytesPerSecond: Infinity,
  perCircuitBytesPerSecond: Infinity
}
const kB = 1000
const MB = 1_000_000

interface Greedy {
  flow: Flow
  bytes: number
  grants: { at: number; bytes: number }[]
}

interface Load {
  from?: string
  to?: string
  direction?: Direction
  network?: string
  /** Bytes it has to send; the default never ends. */
  backlog?: number
}

/** A sender that takes whatever it is given, as a splice does, until its backlog is sent. */
function greedy(shaper: Shaper, timing: VirtualTiming, load: Load = {}): Greedy {
  let backlog = load.backlog ?? Infinity
  const pass = (bytes: number): void => {
    sender.bytes += bytes
    sender.grants.push({ at: timing.now(), bytes })
    backlog -= bytes
  }
  const pump = (): void => {
    while (backlog > 0) {
      const bytes = sender.flow.take(Math.min(backlog, MB))
      if (bytes === 0) return
      pass(bytes)
      // With no limit an endless backlog would never stop.
      if (!sender.flow.limited && backlog === Infinity) return
    }
  }
  const sender: Greedy = {
    bytes: 0,
    grants: [],
    flow: shaper.open({
      from: load.from ?? 'a',
      to: load.to ?? 'b',
      direction: load.direction ?? 'to-target',
      network: load.network,
      granted: bytes => {
        pass(bytes)
        pump()
      }
    })
  }
  pump()
  return sender
}

function start(rates: Partial<Rates>): { shaper: Shaper; timing: VirtualTiming } {
  const timing = new VirtualTiming()
  return { shaper: new Shaper({ ...none, ...rates }, timing), timing }
}

/** What each passed in `seconds` from now on, in bytes a second. */
function rates(timing: VirtualTiming, senders: Greedy[], seconds: number, late?: () => number): number[] {
  const before = senders.map(sender => sender.bytes)
  timing.advance(seconds * 1000, late)
  return senders.map((sender, i) => (sender.bytes - (before[i] ?? 0)) / seconds)
}

const within = (value: number, rate: number, part = 0.05): void => {
  expect(value).toBeGreaterThan(rate * (1 - part))
  expect(value).toBeLessThan(rate * (1 + part))
}

describe('the shaper', () => {
  it('passes everything at once while no rate is set', () => {
    const { shaper, timing } = start({})
    const sender = greedy(shaper, timing, { backlog: 50 * MB })
    expect(sender.bytes).toBe(50 * MB)
    expect(timing.waiting).toBe(0)
  })

  it.each([10 * kB, 200 * kB, MB, 100 * MB])('holds a total of %i bytes a second', rate => {
    const { shaper, timing } = start({ totalBytesPerSecond: rate })
    const sender = greedy(shaper, timing)
    for (const passed of rates(timing, [sender], 10)) within(passed, rate)
  })

  it('gives a network its part of the total, live, and leaves the rest to the others', () => {
    const networks = new Map([['Chat', 200 * kB]])
    const { shaper, timing } = start({ totalBytesPerSecond: MB, networks })
    const chat = [0, 1].map(i => greedy(shaper, timing, { from: `a${i}`, to: `b${i}`, network: 'Chat' }))
    const other = greedy(shaper, timing, { from: 'c', to: 'd', network: 'Files' })
    const [first, second, rest] = rates(timing, [...chat, other], 10)
    within(first ?? 0, 100 * kB)
    within(second ?? 0, 100 * kB)
    within(rest ?? 0, 800 * kB)
    shaper.setRates({ ...none, totalBytesPerSecond: MB, networks: new Map([['Chat', 50 * kB]]) })
    for (const passed of rates(timing, chat, 10)) within(passed, 25 * kB, 0.1)
    shaper.setRates({ ...none, totalBytesPerSecond: 900 * kB })
    for (const passed of rates(timing, [...chat, other], 10)) within(passed, 300 * kB)
  })

  it('gives eight greedy circuits equal parts', () => {
    const { shaper, timing } = start({ totalBytesPerSecond: MB })
    const senders = Array.from({ length: 8 }, (_, i) =>
      greedy(shaper, timing, { from: `a${i}`, to: `b${i}` })
    )
    for (const passed of rates(timing, senders, 10)) within(passed, MB / 8)
  })

  it('gives equal parts to those that came at different times, and when timers are late', () => {
    const { shaper, timing } = start({ totalBytesPerSecond: MB })
    const first = greedy(shaper, timing, { from: 'a0', to: 'b0' })
    timing.advance(30_000)
    const others = Array.from({ length: 7 }, (_, i) =>
      greedy(shaper, timing, { from: `a${i + 1}`, to: `b${i + 1}` })
    )
    let n = 0
    for (const passed of rates(timing, [first, ...others], 10, () => [0, 3, 40, 350][n++ % 4] ?? 0)) {
      within(passed, MB / 8)
    }
  })

  it('holds its rate when time passes while it serves', () => {
    const { shaper, timing } = start({ totalBytesPerSecond: MB })
    const busy = Array.from({ length: 8 }, () => {
      let bytes = 0
      const flow: Flow = shaper.open({
        from: 'a',
        to: 'b',
        direction: 'to-target',
        granted: more => {
          bytes += more
          // Sending takes time: other work, other processes.
          timing.pass(7)
          for (let more = flow.take(MB); more > 0; more = flow.take(MB)) bytes += more
        }
      })
      flow.take(1)
      return { flow, bytes: () => bytes }
    })
    for (const { flow } of busy) while (flow.take(MB) > 0);
    timing.advance(10_000)
    within(busy.reduce((sum, { bytes }) => sum + bytes(), 0) / (timing.now() / 1000), MB)
  })

  it('lets one circuit have all when the others rest, and shares again when they are back', () => {
    const { shaper, timing } = start({ totalBytesPerSecond: MB })
    const steady = greedy(shaper, timing, { from: 'a0' })
    const short = greedy(shaper, timing, { from: 'a1', backlog: MB })
    within(rates(timing, [steady, short], 2)[1] ?? 0, MB / 2)
    within(rates(timing, [steady], 5)[0] ?? 0, MB)
    const third = greedy(shaper, timing, { from: 'a2' })
    for (const passed of rates(timing, [steady, third], 5)) within(passed, MB / 2)
  })

  it('counts each direction by itself', () => {
    const { shaper, timing } = start({ totalBytesPerSecond: MB })
    const there = greedy(shaper, timing)
    const back = greedy(shaper, timing, { from: 'b', to: 'a', direction: 'to-source' })
    for (const passed of rates(timing, [there, back], 10)) within(passed, MB)
  })

  it('limits each circuit', () => {
    const { shaper, timing } = start({ perCircuitBytesPerSecond: 200 * kB })
    const senders = [greedy(shaper, timing), greedy(shaper, timing), greedy(shaper, timing)]
    for (const passed of rates(timing, senders, 10)) within(passed, 200 * kB)
  })

  it('limits all circuits of a peer together, as sender and as receiver', () => {
    const { shaper, timing } = start({ perPeerBytesPerSecond: 300 * kB })
    const sent = [0, 1, 2].map(i => greedy(shaper, timing, { from: 'busy', to: `b${i}` }))
    const received = [0, 1].map(i => greedy(shaper, timing, { from: `a${i}`, to: 'busy' }))
    const other = greedy(shaper, timing, { from: 'x', to: 'y' })
    const passed = rates(timing, [...sent, ...received, other], 10)
    for (const each of passed.slice(0, 3)) within(each, 100 * kB)
    for (const each of passed.slice(3, 5)) within(each, 150 * kB)
    within(passed[5] ?? 0, 300 * kB)
  })

  it('gives a named peer its own rate, slower or faster than the others', () => {
    const { shaper, timing } = start({ perPeerBytesPerSecond: 300 * kB })
    shaper.setPeerRate('slow', 20 * kB)
    shaper.setPeerRate('fast', MB)
    const slow = greedy(shaper, timing, { from: 'slow', to: 'x' })
    // A peer's circuit goes at the rate of the slower of its two ends.
    const fast = greedy(shaper, timing, { from: 'fast', to: 'y' })
    const both = rates(timing, [slow, fast], 10)
    within(both[0] ?? 0, 20 * kB)
    within(both[1] ?? 0, 300 * kB)
    shaper.setPeerRate('y', Infinity)
    within(rates(timing, [fast], 10)[0] ?? 0, MB)
    shaper.setPeerRate('slow', undefined)
    within(rates(timing, [slow], 10)[0] ?? 0, 300 * kB)
  })

  it('does not let a slow circuit hold up a fast one', () => {
    const { shaper, timing } = start({ totalBytesPerSecond: MB })
    shaper.setPeerRate('slow', 10 * kB)
    const slow = greedy(shaper, timing, { from: 'slow' })
    const fast = greedy(shaper, timing, { from: 'fast' })
    const [slowly, fastly] = rates(timing, [slow, fast], 10)
    within(slowly ?? 0, 10 * kB)
    within(fastly ?? 0, 990 * kB)
  })

  it('gives a circuit with a rate of its own that rate, or an equal part if that is less', () => {
    const { shaper, timing } = start({ totalBytesPerSecond: MB })
    shaper.setPeerRate('slow', 20 * kB)
    shaper.setPeerRate('middle', 400 * kB)
    const slow = greedy(shaper, timing, { from: 'slow', to: 'x' })
    const middle = greedy(shaper, timing, { from: 'middle', to: 'y' })
    const rest = Array.from({ length: 7 }, (_, i) => greedy(shaper, timing, { from: `a${i}`, to: `b${i}` }))
    const [slowly, ...equal] = rates(timing, [slow, middle, ...rest], 20)
    within(slowly ?? 0, 20 * kB)
    for (const passed of equal) within(passed, (980 * kB) / 8)
  })

  it('applies other rates to circuits that wait', () => {
    const { shaper, timing } = start({ totalBytesPerSecond: 1 })
    const sender = greedy(shaper, timing, { backlog: 20 * MB })
    timing.advance(1000)
    shaper.setRates({ ...none, totalBytesPerSecond: 500 * kB })
    within(rates(timing, [sender], 10)[0] ?? 0, 500 * kB)
    shaper.setRates({ ...none, perCircuitBytesPerSecond: 50 * kB })
    within(rates(timing, [sender], 10)[0] ?? 0, 50 * kB)
    shaper.setRates(none)
    expect(sender.bytes).toBe(20 * MB)
    expect(timing.waiting).toBe(0)
  })

  it('holds a circuit of a peer whose rate is nothing, without spinning, until it is raised', () => {
    const { shaper, timing } = start({})
    shaper.setPeerRate('a', 0)
    const sender = greedy(shaper, timing)
    const before = sender.bytes
    timing.advance(60_000)
    expect(sender.bytes).toBe(before)
    expect(timing.waiting).toBe(0)
    shaper.setPeerRate('a', 100 * kB)
    within(rates(timing, [sender], 10)[0] ?? 0, 100 * kB)
  })

  it('gives a released circuit nothing more, and its part to the others', () => {
    const { shaper, timing } = start({ totalBytesPerSecond: MB })
    const [gone, stays] = [greedy(shaper, timing, { from: 'x' }), greedy(shaper, timing, { from: 'y' })]
    timing.advance(1000)
    gone.flow.release()
    gone.flow.release()
    const before = gone.bytes
    within(rates(timing, [stays], 10)[0] ?? 0, MB)
    expect(gone.bytes).toBe(before)
    stays.flow.release()
    expect(timing.waiting).toBe(0)
  })

  it('lets circuits release each other while they are served', () => {
    const { shaper, timing } = start({ perCircuitBytesPerSecond: 10 * kB })
    const flows: Flow[] = []
    const granted: number[] = []
    for (let i = 0; i < 4; i++) {
      flows.push(
        shaper.open({
          from: 'a',
          to: 'b',
          direction: 'to-target',
          granted: () => {
            granted.push(i)
            for (const flow of flows) flow.release()
          }
        })
      )
    }
    for (const flow of flows) while (flow.take(MB) > 0);
    timing.advance(10_000)
    expect(granted).toHaveLength(1)
    expect(timing.waiting).toBe(0)
  })

  it('goes on with the others when one of them fails', () => {
    const { shaper, timing } = start({ totalBytesPerSecond: MB })
    const bad = shaper.open({
      from: 'bad',
      to: 'b',
      direction: 'to-target',
      granted: () => {
        throw new Error('its receiver is gone')
      }
    })
    const good = [greedy(shaper, timing, { from: 'x' }), greedy(shaper, timing, { from: 'y' })]
    expect(bad.take(1000)).toBe(0)
    expect(() => timing.advance(5000)).toThrow('its receiver is gone')
    for (const passed of rates(timing, good, 10)) within(passed, MB / 2)
  })
})

describe('over any pattern of arrivals', () => {
  const arrivals = fc.array(
    fc.record({
      at: fc.integer({ min: 0, max: 8000 }),
      sender: fc.integer({ min: 0, max: 5 }),
      bytes: fc.integer({ min: 1, max: 400_000 })
    }),
    { minLength: 1, maxLength: 60 }
  )
  const limits = fc.record({
    total: fc.integer({ min: 5 * kB, max: 2 * MB }),
    circuit: fc.oneof(fc.constant(Infinity), fc.integer({ min: 5 * kB, max: MB })),
    lateness: fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 10 })
  })

  /** Plays the arrivals: every grant of each sender, and when there was anything to send. */
  function play(
    pattern: readonly { at: number; sender: number; bytes: number }[],
    rates: Rates,
    late: number[]
  ) {
    const timing = new VirtualTiming()
    const shaper = new Shaper(rates, timing)
    const grants: { at: number; bytes: number; sender: number }[] = []
    const backlog = Array.from({ length: 6 }, () => 0)
    const pass = (sender: number, bytes: number): void => {
      grants.push({ at: timing.now(), bytes, sender })
      backlog[sender] = (backlog[sender] ?? 0) - bytes
    }
    const pump = (sender: number): void => {
      const flow = flows[sender]
      for (let left = backlog[sender] ?? 0; flow !== undefined && left > 0; left = backlog[sender] ?? 0) {
        const bytes = flow.take(left)
        if (bytes === 0) return
        pass(sender, bytes)
      }
    }
    const flows = backlog.map((_, sender) =>
      shaper.open({
        from: `a${sender}`,
        to: `b${sender}`,
        direction: 'to-target',
        granted: bytes => {
          pass(sender, bytes)
          pump(sender)
        }
      })
    )
    let n = 0
    const lateness = (): number => late[n++ % late.length] ?? 0
    for (const { at, sender, bytes } of pattern.toSorted((a, b) => a.at - b.at)) {
      timing.advance(Math.max(0, at - timing.now()), lateness)
      backlog[sender] = (backlog[sender] ?? 0) + bytes
      pump(sender)
    }
    return { timing, grants, backlog, lateness }
  }

  const burst = (rate: number): number => Math.max(1024, rate * 0.1)
  const quantum = (rate: number): number => Math.min(65_536, Math.max(1024, rate * 0.02))

  /** The most by which any window of a second or more went over its allowance. */
  function excess(grants: readonly { at: number; bytes: number }[], rate: number): number {
    let worst = -Infinity
    for (let i = 0; i < grants.length; i++) {
      let bytes = 0
      for (let j = i; j < grants.length; j++) {
        bytes += grants[j]?.bytes ?? 0
        const seconds = Math.max(1, ((grants[j]?.at ?? 0) - (grants[i]?.at ?? 0)) / 1000)
        worst = Math.max(worst, bytes - rate * seconds - burst(rate) - quantum(rate))
      }
    }
    return worst
  }

  it('passes in no window more than the rate, one burst and one turn', () => {
    fc.assert(
      fc.property(arrivals, limits, (pattern, { total, circuit, lateness }) => {
        const rates = { ...none, totalBytesPerSecond: total, perCircuitBytesPerSecond: circuit }
        const { timing, grants, lateness: late } = play(pattern, rates, lateness)
        timing.advance(5000, late)
        expect(excess(grants, total)).toBeLessThanOrEqual(1)
        if (circuit === Infinity) return
        for (let sender = 0; sender < 6; sender++) {
          const own = grants.filter(grant => grant.sender === sender)
          expect(excess(own, circuit)).toBeLessThanOrEqual(1)
        }
      }),
      { numRuns: 150 }
    )
  })

  it('passes all that the rate allows while anything waits, and in the end everything', () => {
    fc.assert(
      fc.property(arrivals, limits, (pattern, { total, lateness }) => {
        const rates = { ...none, totalBytesPerSecond: total }
        const { timing, grants, backlog, lateness: late } = play(pattern, rates, lateness)
        const bytes = (): number => grants.reduce((sum, grant) => sum + grant.bytes, 0)
        const waiting = (): number => backlog.reduce((sum, each) => sum + each, 0)
        // Always far more to send than can be: the time is over before the backlog.
        const [left, before, since] = [waiting(), bytes(), timing.now()]
        const seconds = left / total
        timing.advance(seconds * 1000 * 0.9, late)
        if (left > 2 * total) expect((bytes() - before) / (total * seconds * 0.9)).toBeGreaterThan(0.95)
        timing.advance(seconds * 1000 * 0.2 + 2000, late)
        expect(waiting(), `of ${left} bytes that waited at ${since}`).toBe(0)
        expect(timing.waiting).toBe(0)
      }),
      { numRuns: 150 }
    )
  })
})

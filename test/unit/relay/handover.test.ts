import { expect, it } from 'vitest'
import { Handover } from '../../../app/main/relay/circuit/handover.ts'
import { VirtualTiming } from './virtual-timing.ts'

/** Clients by name; those who are busy have a circuit. */
function create(names: string) {
  const timing = new VirtualTiming()
  const clients = new Set(names)
  const busy = new Set<string>()
  const gone: [client: string, at: number][] = []
  const handover = new Handover({
    timing,
    clients: () => clients,
    isBusy: client => busy.has(client),
    letGo: client => {
      clients.delete(client)
      gone.push([client, timing.now()])
    }
  })
  const begin = (end: number): { done: boolean } => {
    const state = { done: false }
    void handover.by(end).then(() => (state.done = true))
    return state
  }
  return { timing, clients, busy, gone, handover, begin }
}

it('lets clients go one by one, spread evenly over the time', async () => {
  const { timing, gone, begin } = create('abcde')
  const handover = begin(50_000)
  timing.advance(39_999)
  await Promise.resolve()
  expect(handover.done).toBe(false)
  timing.advance(10_001)
  await Promise.resolve()
  expect(handover.done).toBe(true)
  expect(gone).toEqual([
    ['a', 0],
    ['b', 10_000],
    ['c', 20_000],
    ['d', 30_000],
    ['e', 40_000]
  ])
  expect(timing.waiting).toBe(0)
})

it('keeps those that have a circuit until that has ended', async () => {
  const { timing, busy, gone, begin } = create('abc')
  busy.add('a').add('b').add('c')
  const handover = begin(30_000)
  timing.advance(10_000)
  expect(gone).toEqual([])
  busy.delete('b')
  timing.advance(1_000)
  expect(gone.map(([client]) => client)).toEqual(['b'])
  busy.clear()
  timing.advance(19_000)
  await Promise.resolve()
  expect(gone.map(([client]) => client)).toEqual(['b', 'a', 'c'])
  expect(handover.done).toBe(true)
})

it('leaves those whose circuits run at the end to who ends them', () => {
  const { timing, busy, gone, begin } = create('ab')
  busy.add('b')
  begin(1_000)
  timing.advance(60_000)
  expect(gone).toEqual([['a', 0]])
  expect(timing.waiting).toBe(0)
})

it('ends as soon as the last has left by itself', async () => {
  const { timing, clients, handover, begin } = create('ab')
  const state = begin(3_600_000)
  clients.delete('b')
  handover.check()
  await Promise.resolve()
  expect(state.done).toBe(true)
  expect(timing.waiting).toBe(0)
})

it('is sooner where it is asked for once more, and never later', () => {
  const { timing, gone, begin } = create('abcd')
  begin(3_600_000)
  begin(7_200_000)
  expect(gone).toHaveLength(1)
  begin(9_000)
  timing.advance(9_000)
  expect(gone).toEqual([
    ['a', 0],
    ['b', 0],
    ['c', 3_000],
    ['d', 6_000]
  ])
})

it('lets nobody go after it was stopped, and can begin anew', () => {
  const { timing, gone, handover, begin } = create('abc')
  begin(30_000)
  handover.stop()
  timing.advance(60_000)
  expect(gone).toHaveLength(1)
  begin(timing.now() + 2_000)
  timing.advance(2_000)
  expect(gone).toHaveLength(3)
})

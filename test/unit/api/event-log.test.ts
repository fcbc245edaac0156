import { expect, it } from 'vitest'
import { EventLog } from '../../../app/main/api/event-log.ts'
import type { ApiEvent } from '../../../app/shared/api.ts'

function create() {
  const time = { now: 0 }
  const log = new EventLog({ now: () => time.now, run: 'run' })
  const seen: ApiEvent[] = []
  const peers = (): string[] => seen.map(({ name, value }) => (name === 'peer-connected' ? value.peer : name))
  return { time, log, seen, peers, listener: (event: ApiEvent) => void seen.push(event) }
}

it('gives every event the next id and its time', () => {
  const { log, time, seen, listener } = create()
  log.listen(listener)
  time.now = 5000
  log.emit('peer-connected', { peer: 'a' })
  log.emit('peer-connected', { peer: 'b' })
  expect(seen).toEqual([
    { id: 'run.1', name: 'peer-connected', at: '1970-01-01T00:00:05.000Z', value: { peer: 'a' } },
    { id: 'run.2', name: 'peer-connected', at: '1970-01-01T00:00:05.000Z', value: { peer: 'b' } }
  ])
  expect(log.lastId).toBe('run.2')
})

it('sends what came after an id first, then what comes', () => {
  const { log, peers, listener } = create()
  for (const peer of ['a', 'b', 'c']) log.emit('peer-connected', { peer })
  log.listen(listener, undefined, 'run.1')
  log.emit('peer-connected', { peer: 'd' })
  expect(peers()).toEqual(['b', 'c', 'd'])
})

it('sends nothing old to a client that has seen all, or comes for the first time', () => {
  const { log, peers, listener } = create()
  log.emit('peer-connected', { peer: 'a' })
  log.listen(listener, undefined, 'run.1')
  log.listen(listener)
  expect(peers()).toEqual([])
})

it('tells a client that comes back later than five minutes that it missed something', () => {
  const { log, time, seen, listener } = create()
  log.emit('peer-connected', { peer: 'a' })
  log.emit('peer-connected', { peer: 'b' })
  time.now = 5 * 60_000 + 1
  log.listen(listener, ['mode-changed'], 'run.1')
  expect(seen).toMatchObject([{ name: 'missed-events', id: 'run.2', value: { eventId: 'run.2' } }])
})

it('keeps the newest two thousand at least, and a bounded number', () => {
  const { log, peers, listener, seen } = create()
  for (let i = 1; i <= 10_000; i++) log.emit('peer-connected', { peer: String(i) })
  log.listen(listener, undefined, 'run.8000')
  expect(peers()).toHaveLength(2000)
  seen.length = 0
  log.listen(listener, undefined, 'run.2000')
  expect(peers()).toEqual(['missed-events'])
})

it('repeats no ticks and no log lines', () => {
  const { log, seen, listener } = create()
  log.emit('log', { time: '', level: 'info', message: 'up', fields: {} })
  log.emit('peer-connected', { peer: 'a' })
  log.listen(listener, undefined, 'run.0')
  expect(seen.map(({ name }) => name)).toEqual(['peer-connected'])
})

it('sends only the names asked for, until it is ended', () => {
  const { log, seen, listener } = create()
  const stop = log.listen(listener, ['mode-changed'])
  expect(log.hasListener('mode-changed')).toBe(true)
  expect(log.hasListener('tick')).toBe(false)
  log.emit('peer-connected', { peer: 'a' })
  log.emit('mode-changed', { mode: 'paused' })
  stop()
  log.emit('mode-changed', { mode: 'open' })
  expect(seen.map(({ value }) => value)).toEqual([{ mode: 'paused' }])
  expect(log.hasListener('mode-changed')).toBe(false)
})

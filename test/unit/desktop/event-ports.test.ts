import { describe, expect, it } from 'vitest'
import { EventLog } from '../../../app/main/api/event-log.ts'
import { EventPorts, type EventPort } from '../../../app/main/desktop/event-ports.ts'

class Port implements EventPort {
  readonly got: { id?: string; name: string; value: unknown }[] = []
  closed = false
  #listeners = new Map<string, (message: { data: unknown }) => void>()
  postMessage(message: unknown): void {
    this.got.push(message as { name: string; value: unknown })
  }
  on(event: string, listener: (message: { data: unknown }) => void): void {
    this.#listeners.set(event, listener)
  }
  start(): void {}
  close(): void {
    this.closed = true
    this.#listeners.get('close')?.({ data: undefined })
  }
  acknowledge(data: unknown): void {
    this.#listeners.get('message')?.({ data })
  }
  get names(): string[] {
    return this.got.map(({ name }) => name)
  }
}

const newLog = (run = 'a'): EventLog => new EventLog({ now: () => 0, run })
const connected = (log: EventLog, peer: string): void => log.emit('peer-connected', { peer })
const peersOf = (port: Port): string[] =>
  port.got.flatMap(({ name, value }) => (name === 'peer-connected' ? [(value as { peer: string }).peer] : []))

describe('the events that the window gets', () => {
  it('are those after its last id, then what happens', () => {
    const log = newLog()
    const ports = new EventPorts({ events: () => log })
    connected(log, 'one')
    const { lastId } = log
    connected(log, 'two')
    const port = new Port()
    ports.add(port, lastId)
    connected(log, 'three')
    expect(peersOf(port)).toEqual(['two', 'three'])
  })

  it('are not made while it is hidden, and caught up with when it is shown', () => {
    const log = newLog()
    const ports = new EventPorts({ events: () => log })
    const port = new Port()
    ports.add(port)
    expect(log.hasListener('tick')).toBe(true)
    ports.pause()
    expect(log.hasListener('tick')).toBe(false)
    connected(log, 'meanwhile')
    expect(port.got).toEqual([])
    ports.resume()
    expect(peersOf(port)).toEqual(['meanwhile'])
    expect(log.hasListener('tick')).toBe(true)
  })

  it('stop for one that subscribes while hidden', () => {
    const log = newLog()
    const ports = new EventPorts({ events: () => log })
    ports.pause()
    ports.add(new Port())
    expect(log.listeners).toBe(0)
  })

  it('wait for a window that does not read, and go on where it stopped', () => {
    const log = newLog()
    const ports = new EventPorts({ events: () => log })
    const port = new Port()
    ports.add(port)
    for (let i = 0; i < 1500; i++) connected(log, String(i))
    expect(port.got).toHaveLength(1000)
    expect(log.listeners).toBe(0)
    port.acknowledge(1000)
    expect(peersOf(port)).toEqual(Array.from({ length: 1500 }, (_, i) => String(i)))
    expect(log.listeners).toBe(1)
  })

  it('stop with the port', () => {
    const log = newLog()
    const ports = new EventPorts({ events: () => log })
    const port = new Port()
    ports.add(port)
    port.close()
    expect(log.listeners).toBe(0)
  })

  it('say that some were missed where another node took over', () => {
    let log: EventLog | undefined = newLog('a')
    const ports = new EventPorts({ events: () => log })
    const port = new Port()
    ports.add(port)
    log = undefined
    ports.sourceChanged()
    log = newLog('b')
    ports.sourceChanged()
    expect(port.names).toEqual(['missed-events'])
    connected(log, 'new')
    expect(peersOf(port)).toEqual(['new'])
  })

  it("bring the desktop's own along, the newest of each kind once someone listens", () => {
    const ports = new EventPorts({ events: () => undefined })
    ports.tell({ name: 'navigate', value: { page: 'log' } })
    ports.tell({ name: 'navigate', value: { page: 'settings' } })
    const port = new Port()
    ports.add(port)
    expect(port.got).toEqual([{ name: 'navigate', value: { page: 'settings' } }])
    const second = new Port()
    ports.add(second)
    expect(second.got).toEqual([])
  })

  it('close the oldest port rather than keep any number of them', () => {
    const log = newLog()
    const ports = new EventPorts({ events: () => log })
    const all = Array.from({ length: 10 }, () => new Port())
    for (const port of all) ports.add(port)
    expect(all.map(({ closed }) => closed)).toEqual([true, true, ...Array<boolean>(8).fill(false)])
    expect(log.listeners).toBe(8)
  })
})

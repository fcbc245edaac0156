import { pino } from 'pino'
import { expect, it } from 'vitest'
import { createBus } from '../../../app/main/observe/events.ts'
import { logEvents } from '../../../app/main/observe/log-events.ts'
import { LogTail } from '../../../app/main/observe/log-tail.ts'

it.each([false, true])('a changed address is logged by name only if log.addresses is %s', allowed => {
  const tail = new LogTail()
  const bus = createBus()
  logEvents(bus, pino({}, tail), () => ({ 'log.addresses': allowed, 'log.peers': false }))
  bus.emit('address-changed', {
    address: '/ip4/5.6.7.1/tcp/4001',
    transport: 'tcp',
    public: true,
    state: 'verified',
    since: '2026-01-01T00:00:00.000Z',
    cause: '2 peers of different networks reached it (AutoNAT v2).'
  })
  const [line] = tail.newest(1)
  expect(line?.message).toBe('address verified')
  expect(JSON.stringify(line).includes('5.6.7.1')).toBe(allowed)
})

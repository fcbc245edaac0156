import { pino } from 'pino'
import { expect, it } from 'vitest'
import { LogTail } from '../../../app/main/observe/log-tail.ts'
import type { LogLine } from '../../../app/shared/api.ts'

function create() {
  const tail = new LogTail()
  return { tail, log: pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, tail) }
}

it('keeps lines with their level, text and fields', () => {
  const { tail, log } = create()
  log.warn({ circuit: 7 }, 'circuit closed')
  expect(tail.newest()).toEqual([
    { time: expect.any(String) as string, level: 'warn', message: 'circuit closed', fields: { circuit: 7 } }
  ])
})

it('gives the newest lines, oldest first, at most a thousand', () => {
  const { tail, log } = create()
  for (let i = 1; i <= 5000; i++) log.info(String(i))
  expect(tail.newest(2).map(({ message }) => message)).toEqual(['4999', '5000'])
  expect(tail.newest(0)).toEqual([])
  expect(tail.newest()).toHaveLength(1000)
  expect(tail.newest(9999)[0]?.message).toBe('4001')
})

it('passes on lines as they come, until told to stop', () => {
  const { tail, log } = create()
  const seen: LogLine[] = []
  const stop = tail.onLine(line => void seen.push(line))
  log.info('one')
  stop()
  log.info('two')
  expect(seen.map(({ message }) => message)).toEqual(['one'])
})

it('passes on no lines while the listener has no use for them', () => {
  const { tail, log } = create()
  const seen: LogLine[] = []
  let wants = false
  tail.onLine(
    line => void seen.push(line),
    () => wants
  )
  log.info('one')
  wants = true
  log.info('two')
  expect(seen.map(({ message }) => message)).toEqual(['two'])
  expect(tail.newest()).toHaveLength(2)
})

import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { BatchedLines } from '../../../app/main/observe/batched-lines.ts'

const info = (text: string): string => `{"level":30,"msg":"${text}"}\n`
const warn = (text: string): string => `{"level":40,"msg":"${text}"}\n`

let written: string[]
let lines: BatchedLines
beforeEach(() => {
  vi.useFakeTimers()
  written = []
  lines = new BatchedLines({ write: text => void written.push(text) })
})
afterEach(() => {
  lines.flush()
  vi.useRealTimers()
})

it('writes lines that come close together at once, in order', () => {
  lines.write(info('a'))
  lines.write(info('b'))
  expect(written).toEqual([])
  vi.advanceTimersByTime(100)
  expect(written).toEqual([info('a') + info('b')])
  vi.advanceTimersByTime(1000)
  expect(written).toHaveLength(1)
})

it('writes a warning at once, behind what came before it', () => {
  lines.write(info('a'))
  lines.write(warn('b'))
  expect(written).toEqual([info('a') + warn('b')])
})

it('writes a line whose level it does not know at once', () => {
  lines.write('no JSON\n')
  expect(written).toEqual(['no JSON\n'])
})

it('keeps no more than some', () => {
  for (let i = 0; i < 1000; i++) lines.write(info('x'.repeat(100)))
  expect(written.join('').length).toBeGreaterThan(60_000)
})

it('leaves nothing unwritten when the process ends', () => {
  lines.write(info('last'))
  process.emit('exit', 0)
  expect(written).toEqual([info('last')])
})

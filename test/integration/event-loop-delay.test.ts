import { expect, it } from 'vitest'
import { EventLoopDelay } from '../../app/main/observe/event-loop-delay.ts'
import { until } from '../support/until.ts'

function block(milliseconds: number): void {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

async function whileMeasuring(run: (delay: EventLoopDelay) => Promise<void>): Promise<void> {
  const delay = new EventLoopDelay()
  const stop = delay.start()
  try {
    // A monitor's first run only tells it where to begin.
    await until('a delay is seen', () => {
      block(1000)
      return delay.current().maxSeconds >= 0.3
    })
    await run(delay)
  } finally {
    stop()
  }
}

it('shows how long the event loop was held up for one whole window more', () =>
  whileMeasuring(async delay => {
    delay.turn()
    expect(delay.current().maxSeconds).toBeGreaterThanOrEqual(0.3)
    delay.turn()
    expect(delay.current()).toEqual({ p50Seconds: 0, p99Seconds: 0, maxSeconds: 0 })
  }))

it('misses no delay at the turn of a window', () =>
  whileMeasuring(async delay => {
    block(2500)
    delay.turn()
    await until('the delay is seen', () => delay.current().maxSeconds >= 1.9)
    expect(delay.current().p50Seconds).toBeLessThan(delay.current().maxSeconds)
  }))

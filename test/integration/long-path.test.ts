import { describe, expect, it } from 'vitest'
import { Status, StopMessage, StopType } from '../../app/main/relay/circuit/pb/messages.ts'
import { arrivesWhole, Sink, Source, type Flow } from '../support/flow.ts'
import { LongPath } from '../support/long-path.ts'
import { RawPeer } from '../support/raw.ts'
import { RelayProcess } from '../support/relay-process.ts'
import { sleep, until } from '../support/until.ts'

/** As between continents. */
const ROUND_TRIP_MS = 100
const MEGABITS_PER_SECOND = 100
/** Long enough that windows have grown, and that a moment's rush does not count. */
const WINDOW_SECONDS = 3
const PATIENCE_SECONDS = 30

// What a circuit carries over a long path is what may be under way at once: the relay's window where it reads from afar,
// and where it writes, how much of the reader's window it uses. Stock peers: their windows grow up to 16 MiB.
describe.each(['tcp', 'ws'] as const)('over %s, one circuit of 100 ms there and back', kind => {
  it.each(['source', 'target'] as const)('carries 100 Mbit/s with the %s far away', async far => {
    await using relay = await RelayProcess.start()
    const near = relay.address(kind)
    await using path = await LongPath.to(near, { delayMs: ROUND_TRIP_MS / 2 })
    const addresses = { source: near, target: near, [far]: path.address(near) }

    const flow = Promise.withResolvers<Sink>()
    await using target = await RawPeer.reserved(addresses.target, {
      answer: async (_peer, frames) => {
        await frames.write(StopMessage.encode({ type: StopType.STATUS, status: Status.OK }))
        flow.resolve(new Sink(frames.unwrap()))
      }
    })
    await using source = await RawPeer.create(addresses.source)
    const running: Flow = {
      source: new Source((await source.open(target)).stream),
      sink: await flow.promise
    }
    running.source.start()

    expect(await bestMegabitsPerSecond(running.sink)).toBeGreaterThanOrEqual(MEGABITS_PER_SECOND)
    expect(await arrivesWhole(running)).toBe(true)
  })
})

/** The best average over so many seconds, as soon as it is good enough: windows grow, and the machine may be busy. */
async function bestMegabitsPerSecond(sink: Sink): Promise<number> {
  await until('the first byte arrives', () => sink.bytes > 0)
  const seen: { at: number; bytes: number }[] = []
  const since = performance.now()
  let best = 0
  while (best < MEGABITS_PER_SECOND && performance.now() - since < PATIENCE_SECONDS * 1000) {
    const now = { at: performance.now(), bytes: sink.bytes }
    seen.push(now)
    const from = seen.findLast(({ at }) => now.at - at >= WINDOW_SECONDS * 1000)
    if (from !== undefined) best = Math.max(best, ((now.bytes - from.bytes) * 8) / 1000 / (now.at - from.at))
    await sleep(100)
  }
  return best
}

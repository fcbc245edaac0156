import { describe, expect, it } from 'vitest'
import { Status, StopMessage, StopType } from '../../app/main/relay/circuit/pb/messages.ts'
import { arrivesWhole, Sink, Source, type Flow } from '../support/flow.ts'
import { LongPath } from '../support/long-path.ts'
import { RawPeer } from '../support/raw.ts'
import { RelayProcess } from '../support/relay-process.ts'
import type { Kind } from '../support/relay.ts'
import { sleep, until } from '../support/until.ts'

/** Long enough that a moment in which much comes at once does not count. */
const MEASURED_SECONDS = 3
const PATIENCE_SECONDS = 25

interface Path {
  kind: Kind
  /** Who is far from the relay. */
  far: 'source' | 'target'
}

const PATHS: Path[] = (['tcp', 'ws'] as const).flatMap(kind => [
  { kind, far: 'source' },
  { kind, far: 'target' }
])

/**
 * What one circuit carries over a long path is what may be under way at once, in a round trip: the relay's own window
 * where the source is far, and what it uses of the target's where that is. Stock peers: their windows grow to 16 MiB.
 */
describe.concurrent.each(PATHS)('over $kind, with the $far far away', ({ kind, far }) => {
  // The windows of 100 Mbit/s over 100 ms, at a rate for which a busy machine has the time.
  it('a circuit carries 25 Mbit/s over 400 ms', async () => {
    await using circuit = await openLong({ kind, far }, 400)
    expect(await megabitsPerSecond(circuit.flow, 25)).toBeGreaterThanOrEqual(25)
    expect(await arrivesWhole(circuit.flow)).toBe(true)
  })
})

describe.each(PATHS.filter(({ kind }) => kind === 'tcp'))('over $kind, with the $far far away', path => {
  it('a circuit carries 100 Mbit/s over 100 ms, on a machine that does so over none', async () => {
    await using short = await openLong(path, 0)
    const possible = await megabitsPerSecond(short.flow, 200)
    expect(await arrivesWhole(short.flow)).toBe(true)
    // One that is busy carries less over any path, in fits and starts.
    const wanted = Math.min(100, 0.5 * possible)
    await using long = await openLong(path, 100)
    expect(await megabitsPerSecond(long.flow, wanted)).toBeGreaterThanOrEqual(wanted)
    expect(await arrivesWhole(long.flow)).toBe(true)
  })
})

interface LongCircuit extends AsyncDisposable {
  flow: Flow
}

/** A circuit of which one end takes so long to the relay and back. */
async function openLong({ kind, far }: Path, roundTripMs: number): Promise<LongCircuit> {
  await using stack = new AsyncDisposableStack()
  const relay = stack.use(await RelayProcess.start())
  const near = relay.address(kind)
  const way = stack.use(await LongPath.to(near, { delayMs: roundTripMs / 2 }))
  const addresses = { source: near, target: near, [far]: way.address(near) }
  const taken = Promise.withResolvers<Sink>()
  const target = stack.use(
    await RawPeer.reserved(addresses.target, {
      answer: async (_peer, frames) => {
        await frames.write(StopMessage.encode({ type: StopType.STATUS, status: Status.OK }))
        taken.resolve(new Sink(frames.unwrap()))
      }
    })
  )
  const dialer = stack.use(await RawPeer.create(addresses.source))
  const source = new Source((await dialer.open(target)).stream)
  const flow = { source, sink: await taken.promise }
  source.start()
  const owned = stack.move()
  return { flow, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** The best average over some seconds, as soon as it is good enough: windows grow, and the machine may be busy. */
async function megabitsPerSecond({ sink }: Flow, goodEnough: number): Promise<number> {
  await until('the first byte arrives', () => sink.bytes > 0)
  const seen: { at: number; bytes: number }[] = []
  const since = performance.now()
  let best = 0
  while (best < goodEnough && performance.now() - since < PATIENCE_SECONDS * 1000) {
    const now = { at: performance.now(), bytes: sink.bytes }
    seen.push(now)
    const from = seen.findLast(({ at }) => now.at - at >= MEASURED_SECONDS * 1000)
    if (from !== undefined) best = Math.max(best, ((now.bytes - from.bytes) * 8) / 1000 / (now.at - from.at))
    await sleep(100)
  }
  return best
}

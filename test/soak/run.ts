import { setTimeout as delay } from 'node:timers/promises'
import { introduce } from './client.ts'
import { Crowd } from './crowd.ts'
import { leftoversOf, sampleOf, trendsOf, type Leftover, type Sample, type Trend } from './measures.ts'
import { WAYS, type Tally } from './protocol.ts'
import { SoakRelay } from './relay.ts'

export interface SoakOptions {
  /** How long clients come and go. */
  seconds: number
  workers: number
  /** Clients at a time in each of them. */
  clients: number
  /** What Node runs as the relay, and flags of its own. */
  entry: string
  flags: readonly string[]
  /** How long after the last client has left all that it held may take to go. */
  graceSeconds: number
  /** Ends it early; what was measured until then counts. */
  signal: AbortSignal
  /** Told of each sample, and of what goes on. */
  onSample?: (sample: Sample, tally: Tally) => void
  onPhase?: (phase: string) => void
}

export interface SoakResult {
  tally: Tally
  ended: Crowd['ended']
  samples: Sample[]
  warmUpSeconds: number
  trends: Trend[]
  /** Before the clients came, and after they left; without the latter if it was ended early. */
  before: Sample
  after: Sample | undefined
  restSeconds: number
  leftovers: Leftover[]
  /** Errors in the relay's log. */
  faults: string[]
}

const WARM_UP_SHARE = 0.2
const SAMPLE_EVERY_SECONDS = 3
/** With a garbage collection, which must not become what keeps memory in bounds. */
const GC_SAMPLE_EVERY_SECONDS = 20
const LOOK_EVERY_MS = 1000
const KILL_EVERY_SECONDS = { least: 8, most: 15 }

/** Lets clients come and go, and watches what that does to the relay. */
export async function runSoak(options: SoakOptions): Promise<SoakResult> {
  const { seconds, signal, onPhase = () => {} } = options
  onPhase('the relay starts')
  await using relay = await SoakRelay.start(options.entry, options.flags)
  // What is made once, at the first client of a kind, is no leak.
  for (const way of WAYS) await introduce(way, relay.addresses)
  const before = await settled(relay, options, isEmpty)
  onPhase('clients come and go')
  const crowd = new Crowd({
    addresses: relay.addresses,
    workers: options.workers,
    clients: options.clients,
    killEverySeconds: Math.min(KILL_EVERY_SECONDS.most, Math.max(KILL_EVERY_SECONDS.least, seconds / 6))
  })
  const samples: Sample[] = []
  try {
    await sampled(relay, options, sample => {
      samples.push(sample)
      options.onSample?.(sample, crowd.tally)
    })
  } finally {
    onPhase('the clients leave')
    await crowd.leave({ quickly: signal.aborted })
  }
  const since = performance.now()
  const after = signal.aborted
    ? undefined
    : await settled(relay, options, sample => leftoversOf(before, sample).length === 0)
  const warmUpSeconds = WARM_UP_SHARE * Math.min(seconds, samples.at(-1)?.seconds ?? 0)
  return {
    tally: crowd.tally,
    ended: crowd.ended,
    samples,
    warmUpSeconds,
    trends: trendsOf(samples.filter(sample => sample.seconds >= warmUpSeconds)),
    before,
    after,
    restSeconds: (performance.now() - since) / 1000,
    leftovers: after === undefined ? [] : leftoversOf(before, after),
    faults: relay.faults
  }
}

/** Looks at the relay while the clients come and go. */
async function sampled(
  relay: SoakRelay,
  { seconds, signal }: SoakOptions,
  each: (sample: Sample) => void
): Promise<void> {
  const since = performance.now()
  const elapsed = (): number => (performance.now() - since) / 1000
  for (let next = 0, nextMemory = 0; elapsed() < seconds && !signal.aborted; next += SAMPLE_EVERY_SECONDS) {
    await pause(1000 * Math.max(0, Math.min(next, seconds) - elapsed()), signal)
    if (!relay.running) throw new Error('the relay has ended')
    const withMemory = elapsed() >= nextMemory
    if (withMemory) nextMemory += GC_SAMPLE_EVERY_SECONDS
    const figures = await relay.figures(withMemory ? 'memory' : 'cheap')
    each(sampleOf(figures, elapsed()))
  }
}

/** The first sample that is at rest, or the last one within the grace period. */
async function settled(
  relay: SoakRelay,
  { graceSeconds, signal }: SoakOptions,
  isAtRest: (sample: Sample) => boolean
): Promise<Sample> {
  const deadline = performance.now() + graceSeconds * 1000
  for (;;) {
    await pause(LOOK_EVERY_MS, signal)
    const late = performance.now() > deadline || signal.aborted
    // Objects only of a relay that looks at rest: it stands still while they are counted.
    if (!late && !isAtRest(sampleOf(await relay.figures('cheap'), 0))) continue
    const { objects } = await relay.figures('objects')
    const sample = sampleOf({ ...(await relay.figures('memory')), objects }, 0)
    if (late || isAtRest(sample)) return sample
  }
}

const isEmpty = ({ values }: Sample): boolean =>
  values.connections === 0 &&
  values.circuits === 0 &&
  values.reservations === 0 &&
  values['tcp connections'] === 0

/** Waits so long, or until the signal. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch(() => {})
}

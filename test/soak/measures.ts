import type { Figures } from './relay.ts'
import { slopeOf, type Slope } from './slope.ts'

const MiB = 1024 * 1024
const total = (counts: Record<string, number>): number => Object.values(counts).reduce((a, b) => a + b, 0)

/** A figure that is sampled. */
interface Measure {
  unit: string
  /** Undefined where this sample has none. */
  of: (figures: Figures) => number | undefined
  /** What it may gain in the whole run before it counts as growing, beside a tenth of its mean. */
  slack: number
  /** At most so much more than before the clients came, once they have left; undefined if it may be anything. */
  atRest?: number
}

/** Memory but for `rss` is seen after garbage collections only, what is in memory only when the clients have gone. */
export const measures = {
  rss: { unit: 'MiB', of: ({ process }) => process.rssBytes / MiB, slack: 16 },
  fds: { unit: '', of: ({ process }) => process.fds, slack: 5, atRest: 4 },
  sockets: { unit: '', of: ({ process }) => process.sockets, slack: 5, atRest: 0 },
  'tcp connections': { unit: '', of: ({ process }) => process.tcp, slack: 5, atRest: 0 },
  reservations: { unit: '', of: ({ slots }) => slots.reservations, slack: 5, atRest: 0 },
  circuits: { unit: '', of: ({ slots }) => slots.circuits, slack: 5, atRest: 0 },
  connections: { unit: '', of: ({ slots }) => slots.connections, slack: 5, atRest: 0 },
  peers: { unit: '', of: ({ slots }) => slots.peers, slack: 5, atRest: 0 },
  resources: { unit: '', of: ({ resources }) => total(resources), slack: 10, atRest: 3 },
  timers: { unit: '', of: ({ timers }) => timers, slack: 20, atRest: 5 },
  'sockets in memory': { unit: '', of: ({ objects }) => objects?.sockets, slack: 10, atRest: 5 },
  'streams in memory': { unit: '', of: ({ objects }) => objects?.streams, slack: 20, atRest: 10 },
  'heap used': { unit: 'MiB', of: ({ memory }) => memory && memory.heapUsed / MiB, slack: 4 },
  external: { unit: 'MiB', of: ({ memory }) => memory && memory.external / MiB, slack: 8 },
  'array buffers': { unit: 'MiB', of: ({ memory }) => memory && memory.arrayBuffers / MiB, slack: 8 }
} satisfies Record<string, Measure>

export type MeasureName = keyof typeof measures
export const measureNames = Object.keys(measures) as MeasureName[]
export const measureOf = (name: MeasureName): Measure => measures[name]

export interface Sample {
  /** Since the clients began to come. */
  seconds: number
  values: Partial<Record<MeasureName, number>>
}

export function sampleOf(figures: Figures, seconds: number): Sample {
  const values: Sample['values'] = {}
  for (const name of measureNames) {
    const value = measureOf(name).of(figures)
    if (value !== undefined) values[name] = value
  }
  return { seconds, values }
}

export interface Trend extends Slope {
  name: MeasureName
  unit: string
  verdict: 'flat' | 'growing' | 'shrinking'
}

/** How far from zero a slope is, in its standard errors, before it is taken for one. */
const SIGNIFICANT = 3

/** How each figure went, over samples of which the warm-up is no part. */
export function trendsOf(samples: readonly Sample[]): Trend[] {
  return measureNames.flatMap(name => {
    const points = samples.flatMap(({ seconds, values }) => {
      const value = values[name]
      return value === undefined ? [] : [{ seconds, value }]
    })
    const slope = slopeOf(points)
    if (slope === undefined) return []
    const { unit, slack } = measureOf(name)
    const tolerated = Math.abs(slope.growth) <= Math.max(slack, slope.mean / 10)
    const flat = tolerated || Math.abs(slope.perHour) <= SIGNIFICANT * slope.error
    return [{ ...slope, name, unit, verdict: flat ? 'flat' : slope.growth > 0 ? 'growing' : 'shrinking' }]
  })
}

/** What is left of what the clients brought: figures that are more than they were before them. */
export interface Leftover {
  name: MeasureName
  before: number
  after: number
}

export function leftoversOf(before: Sample, after: Sample): Leftover[] {
  return measureNames.flatMap(name => {
    const { atRest } = measureOf(name)
    const [was, is] = [before.values[name], after.values[name]]
    if (atRest === undefined || was === undefined || is === undefined || is <= was + atRest) return []
    return [{ name, before: was, after: is }]
  })
}

export interface Point {
  seconds: number
  value: number
}

/** A line fitted to points (least squares). */
export interface Slope {
  points: number
  mean: number
  perHour: number
  /** Standard error of `perHour`. */
  error: number
  /** What the line gains from the first point to the last. */
  growth: number
}

/** Neighbouring points are alike; means of so many stretches of time are less so, and their error can be believed. */
const STRETCHES = 10
const SECONDS_AN_HOUR = 3600

/** The slope of a figure; undefined for less than three points. */
export function slopeOf(points: readonly Point[]): Slope | undefined {
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined || points.length < 3) return undefined
  const means = stretches(points)
  const x = mean(means.map(({ seconds }) => seconds))
  const y = mean(means.map(({ value }) => value))
  const spread = sum(means.map(({ seconds }) => (seconds - x) ** 2))
  const slope = sum(means.map(({ seconds, value }) => (seconds - x) * (value - y))) / spread
  const residual = sum(means.map(({ seconds, value }) => (value - y - slope * (seconds - x)) ** 2))
  const error = Math.sqrt(residual / (means.length - 2) / spread)
  return {
    points: points.length,
    mean: mean(points.map(({ value }) => value)),
    perHour: slope * SECONDS_AN_HOUR,
    error: error * SECONDS_AN_HOUR,
    growth: slope * (last.seconds - first.seconds)
  }
}

/** Means of neighbours: of as many points each as it takes. */
function stretches(points: readonly Point[]): Point[] {
  const size = Math.max(1, Math.floor(points.length / STRETCHES))
  if (points.length / size < 3) return [...points]
  return Array.from({ length: Math.floor(points.length / size) }, (_, i) => {
    const some = points.slice(i * size, (i + 1) * size)
    return { seconds: mean(some.map(point => point.seconds)), value: mean(some.map(point => point.value)) }
  })
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const mean = (values: readonly number[]): number => sum(values) / values.length

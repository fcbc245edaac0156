import type { RoundTripCase, SetUpCase } from '../cases.ts'
import { each, type Measure } from './measure.ts'

/** How long circuits take to be set up between peers that are connected, and what each costs, its end included. */
export const setUps: Measure<SetUpCase> = async ({ crew, options }, node, { transport, atOnce }) => {
  const way = node.way(transport)
  if (way === undefined) return undefined
  await crew.pairUp(way, atOnce)
  await crew.setUps(options.warmUpSeconds)
  const { window, result } = await crew.during(node.pid, () => crew.setUps(options.seconds))
  return each(result, window)
}

/** How long a message takes to the other end of a circuit and back, and what that costs. */
export const roundTrips: Measure<RoundTripCase> = async ({ crew, options }, node, { transport, bytes }) => {
  const way = node.way(transport)
  if (way === undefined) return undefined
  await crew.pairUp(way, 1, { echo: true })
  await crew.roundTrips(bytes, options.warmUpSeconds)
  const { window, result } = await crew.during(node.pid, () => crew.roundTrips(bytes, options.seconds))
  return each(result, window)
}

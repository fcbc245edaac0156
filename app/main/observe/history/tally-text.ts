import type { Tally } from './amounts.ts'

/** The stored form of tallies: lists without names, because thousands of these are kept. Part of the version. */

type Figures = [
  toTarget: number,
  toSource: number,
  received: number,
  sent: number,
  circuits: number,
  uptimeMs: number,
  peers: number
]

/** What most tallies have nothing of. */
interface Rest {
  /** Refusals. */
  r?: Record<string, number>
  /** Seconds held. */
  h?: Record<string, number>
  /** Networks. */
  n?: [name: string, toTarget: number, toSource: number, circuits: number][]
}

export function encodeTally(tally: Tally): string {
  const { toTarget, toSource, received, sent, circuits, uptimeMs, peers, refusals, networks, held } = tally
  const figures: Figures = [toTarget, toSource, received, sent, circuits, uptimeMs, peers]
  const rest: Rest = {
    ...(Object.keys(refusals).length > 0 && { r: refusals }),
    ...(Object.keys(held).length > 0 && { h: held }),
    ...(networks.size > 0 && {
      n: [...networks].map(([name, of]) => [name, of.toTarget, of.toSource, of.circuits])
    })
  }
  return JSON.stringify(Object.keys(rest).length === 0 ? figures : [...figures, rest])
}

export function decodeTally(text: string): Tally {
  const [toTarget, toSource, received, sent, circuits, uptimeMs, peers, rest = {}] = JSON.parse(text) as [
    ...Figures,
    rest?: Rest
  ]
  const { r: refusals = {}, h: held = {}, n = [] } = rest
  const networks: Tally['networks'] = new Map(
    n.map(([name, ...of]) => [name, { toTarget: of[0], toSource: of[1], circuits: of[2] }])
  )
  return { toTarget, toSource, received, sent, circuits, uptimeMs, peers, refusals, networks, held }
}

/** Version 1 had refusals alone behind the figures. */
export function fromVersion1(text: string): string {
  const all = JSON.parse(text) as unknown[]
  const figures = all.slice(0, 7)
  const refusals = all[7]
  return JSON.stringify(refusals === undefined ? figures : [...figures, { r: refusals }])
}

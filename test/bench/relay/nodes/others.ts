import { end, forked } from '../processes.ts'
import { circuitsBy, type NodeUnderTest, type Subject } from './node.ts'

/** js-libp2p's own relay, with its own transports. */
export const stock: Subject = {
  name: 'stock js',
  start: async () => {
    const from = performance.now()
    const { child, first } = await forked<string[]>(new URL('./stock-child.ts', import.meta.url))
    const startMs = performance.now() - from
    return { pid: child.pid ?? -1, startMs, way: circuitsBy(first), stop: () => end(child) }
  }
}

/** The yardstick: a node:net proxy to the port of the sinks' process. */
export function pipe(sinkPort: number): Subject {
  const start = async (): Promise<NodeUnderTest> => {
    const from = performance.now()
    const module = new URL('../../support/pipe-child.ts', import.meta.url)
    const { child, first: port } = await forked<number>(module, [String(sinkPort)])
    const startMs = performance.now() - from
    return { pid: child.pid ?? -1, startMs, way: () => ({ kind: 'sockets', port }), stop: () => end(child) }
  }
  return { name: 'pipe', start }
}

/** A relay that runs already: go, rust, or one of ours elsewhere on this machine. */
export function running(name: string, addresses: readonly string[], pid: number): Subject {
  const node = { pid, startMs: undefined, way: circuitsBy(addresses), stop: async () => {} }
  return { name, start: async () => node }
}

import type { NodeState } from './node.svelte.ts'

/** The node's time, as a state that moves. */
export class NodeClock {
  /** Milliseconds since 1970. It goes on with the node's ticks, and stands still while nobody looks. */
  now = $state(0)

  /** To be called while a component is set up. */
  follow(node: NodeState): void {
    this.now = node.now()
    $effect(() =>
      node.listen(event => {
        if (event.name === 'tick') this.now = Date.parse(event.at)
      })
    )
  }

  secondsSince(at: string): number {
    return Math.max(0, (this.now - Date.parse(at)) / 1000)
  }

  secondsUntil(at: string): number {
    return Math.max(0, (Date.parse(at) - this.now) / 1000)
  }
}

import type { PeerInfo } from '../../shared/api.ts'
import type { NodeState } from './node.svelte.ts'
import { peerRatesOf } from './peer-rates.ts'
import { Polled } from './polled.svelte.ts'
import type { Visibility } from './visibility.svelte.ts'

/** The peers that are connected, by their ids, and the rates that some have of their own. */
export class Peers {
  readonly #polled: Polled<readonly PeerInfo[]>
  readonly #node: NodeState
  readonly #byId = $derived.by(() => new Map(this.#polled.value?.map(info => [info.peer, info])))
  readonly #rates = $derived.by(() => peerRatesOf(this.#node.value('relay.rate.peers')))

  constructor(node: NodeState) {
    this.#node = node
    this.#polled = new Polled(() => node.client.api.peers())
  }

  get all(): readonly PeerInfo[] | undefined {
    return this.#polled.value
  }

  get problem(): string | undefined {
    return this.#polled.problem
  }

  get(peer: string): PeerInfo | undefined {
    return this.#byId.get(peer)
  }

  /** The rate of its own in bytes a second, if it has one. */
  rateOf(peer: string): number | undefined {
    // The setting is known at once; by it a peer may go by another text of its id, which only the node can tell.
    return this.#rates.get(peer) ?? this.get(peer)?.limitBytesPerSecond
  }

  /** To be called while a component is set up. */
  follow(visibility: Visibility, everyMs: number): void {
    this.#polled.follow(this.#node, visibility, everyMs)
  }

  /** Reads them anew if one of these is missing. */
  seek(ids: readonly string[]): void {
    if (this.all !== undefined && ids.some(id => !this.#byId.has(id))) void this.refresh()
  }

  refresh(): Promise<void> {
    return this.#polled.refresh()
  }
}

/** By what connections: the newest first, without doubles. */
export function transportsOf(peer: PeerInfo | undefined): string[] {
  return [...new Set(peer?.connections.map(({ transport }) => transport).reverse())]
}

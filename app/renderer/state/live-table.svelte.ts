import type { ApiEvent } from '../../shared/api.ts'
import { LiveRows } from './live-rows.ts'
import type { NodeState } from './node.svelte.ts'
import { Polled } from './polled.svelte.ts'
import type { Visibility } from './visibility.svelte.ts'

/** Events come in bursts: those of this time are shown together. */
const GATHER_MS = 200

interface TableOptions<K, T> {
  read: () => Promise<readonly T[]>
  key: (row: T) => K
  /** Takes an event into the rows; false if it says nothing of them. */
  apply: (event: ApiEvent, rows: LiveRows<K, T>) => boolean
}

/** A list of what runs in the node: read anew every so often, and by events in between. */
export class LiveTable<K, T> {
  readonly #polled: Polled<readonly T[]>
  readonly #rows: LiveRows<K, T>
  readonly #apply: TableOptions<K, T>['apply']

  constructor({ read, key, apply }: TableOptions<K, T>) {
    this.#apply = apply
    this.#rows = new LiveRows(key)
    this.#polled = new Polled(async () => {
      this.#rows.begin()
      return this.#rows.settle(await read())
    })
  }

  /** Undefined until they were read for the first time. */
  get rows(): readonly T[] | undefined {
    return this.#polled.value
  }

  get problem(): string | undefined {
    return this.#polled.problem
  }

  /** To be called while a component is set up. */
  follow(node: NodeState, visibility: Visibility, everyMs: number): void {
    this.#polled.follow(node, visibility, everyMs)
    $effect(() => {
      if (!visibility.visible) return
      let timer: ReturnType<typeof setTimeout> | undefined
      const stop = node.listen(event => {
        if (event.name === 'missed-events') void this.#polled.refresh()
        else if (this.#apply(event, this.#rows)) {
          timer ??= setTimeout(() => {
            timer = undefined
            // Before the first snapshot an event would make a list of one.
            if (this.#polled.value !== undefined) this.#polled.value = this.#rows.all
          }, GATHER_MS)
        }
      })
      return () => {
        stop()
        clearTimeout(timer)
      }
    })
  }
}

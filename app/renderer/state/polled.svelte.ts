import type { NodeState } from './node.svelte.ts'
import type { Visibility } from './visibility.svelte.ts'
import { errorText } from '../text/errors.ts'

/** What has no events of its own, read anew every so often while someone can see it. */
export class Polled<T> {
  value = $state.raw<T>()
  /** Why the last attempt failed; the value before stays. */
  problem = $state<string>()
  readonly #read: () => Promise<T>
  #running = false
  #again = false

  constructor(read: () => Promise<T>) {
    this.#read = read
  }

  /** To be called while a component is set up. */
  follow(node: NodeState, visibility: Visibility, everyMs: number): void {
    $effect(() => {
      if (!visibility.visible || node.connection !== 'connected') return
      void this.refresh()
      const timer = setInterval(() => void this.refresh(), everyMs)
      return () => clearInterval(timer)
    })
  }

  /** Reads it now; asked for while it is being read, it is read once more. */
  async refresh(): Promise<void> {
    if (this.#running) {
      this.#again = true
      return
    }
    this.#running = true
    try {
      do {
        this.#again = false
        this.value = await this.#read()
        this.problem = undefined
      } while (this.#again)
    } catch (error) {
      this.problem = errorText(error)
    } finally {
      this.#running = false
    }
  }
}

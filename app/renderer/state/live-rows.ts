/**
 * Rows by key, from snapshots and from events. Events may overtake a snapshot that is on its way: what they said since
 * it was asked for counts more than what it says.
 */
export class LiveRows<K, T> {
  #rows = new Map<K, T>()
  readonly #key: (row: T) => K
  #put = new Map<K, T>()
  #gone = new Set<K>()

  constructor(key: (row: T) => K) {
    this.#key = key
  }

  get all(): readonly T[] {
    return [...this.#rows.values()]
  }

  get(key: K): T | undefined {
    return this.#rows.get(key)
  }

  put(row: T): void {
    const key = this.#key(row)
    this.#rows.set(key, row)
    this.#put.set(key, row)
    this.#gone.delete(key)
  }

  remove(key: K): void {
    this.#rows.delete(key)
    this.#put.delete(key)
    this.#gone.add(key)
  }

  /** A snapshot is asked for now. */
  begin(): void {
    this.#put.clear()
    this.#gone.clear()
  }

  /** The snapshot that was asked for has come. Rows that are in it are better than what events told of them. */
  settle(snapshot: readonly T[]): readonly T[] {
    const rows = new Map(this.#put)
    for (const row of snapshot) rows.set(this.#key(row), row)
    for (const key of this.#gone) rows.delete(key)
    this.#rows = rows
    return this.all
  }
}

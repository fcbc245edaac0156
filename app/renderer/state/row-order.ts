type Value = string | number

interface OrderOptions<T> {
  key: (row: T) => Value
  /** Without it the rows stay as they come. */
  by: ((row: T) => Value) | undefined
  descending: boolean
  /** Rows keep the places that they had; new ones come last. */
  isHeld: boolean
}

/** The order of a table's rows. It knows the one before, so that it can be held while figures change. */
export class RowOrder<T> {
  #places: ReadonlyMap<Value, number> = new Map()

  sort(rows: readonly T[], { key, by, descending, isHeld }: OrderOptions<T>): readonly T[] {
    const before = this.#places
    const held = (row: T): Value => before.get(key(row)) ?? before.size
    const sorted = isHeld ? ordered(rows, held, 1) : by ? ordered(rows, by, descending ? -1 : 1) : rows
    this.#places = new Map(sorted.map((row, index) => [key(row), index]))
    return sorted
  }
}

/** Each row is asked for its value once, and not at every comparison. */
function ordered<T>(rows: readonly T[], by: (row: T) => Value, sign: 1 | -1): T[] {
  return rows
    .map(row => ({ row, value: by(row) }))
    .sort((a, b) => (a.value < b.value ? -sign : a.value > b.value ? sign : 0))
    .map(({ row }) => row)
}

/** Tables that fit a terminal. */

export interface Column<Row> {
  head: string
  text: (row: Row) => string
  /** Figures stand right, so that their sizes can be compared. */
  right?: boolean
  /** A shorter way to write it, for a terminal that is too narrow: `12D3…w7Xb2q`. */
  short?: (text: string) => string
  /** It may be cut to this many letters. */
  least?: number
  /** It may be left out; the highest goes first. */
  spare?: number
}

export interface TableOptions {
  /** Columns of the terminal; undefined: whatever it takes. */
  width?: number
}

interface Laid {
  head: string
  cells: string[]
  width: number
  right: boolean
}

const GAP = 2

/**
 * The lines of a table with its heads. Where it is too wide for the terminal, ids are shortened, then spare columns cut,
 * then left out (a last line names them), then the others cut.
 */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { width = Infinity }: TableOptions = {}
): string[] {
  let shown = [...columns]
  for (;;) {
    const laid = lay(shown, rows, width)
    const spare = mostSpare(shown)
    if (widthOf(laid) <= width || spare === undefined) return lines(laid, leftOut(columns, shown))
    shown = shown.filter(column => column !== spare)
  }
}

function lay<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number): Laid[] {
  const laid = columns.map(column => measured(column, rows.map(column.text)))
  if (widthOf(laid) <= width) return laid
  const short = columns.map((column, at) => {
    const cells = laid[at]?.cells ?? []
    return measured(column, column.short === undefined ? cells : cells.map(column.short))
  })
  // What may be left out is cut first; the rest only when all of that is gone.
  const anySpare = mostSpare(columns) !== undefined
  for (const [at, { least, spare }] of columns.entries()) {
    const over = widthOf(short) - width
    const one = short[at]
    if (over <= 0 || one === undefined || least === undefined) continue
    if (anySpare && spare === undefined) continue
    one.width = Math.max(least, one.head.length, one.width - over)
    one.cells = one.cells.map(cell => cut(cell, one.width))
  }
  return short
}

function measured<Row>({ head, right = false }: Column<Row>, cells: string[]): Laid {
  return { head, cells, right, width: cells.reduce((most, cell) => Math.max(most, cell.length), head.length) }
}

const widthOf = (laid: readonly Laid[]): number =>
  laid.reduce((sum, { width }) => sum + width + GAP, laid.length === 0 ? 0 : -GAP)

function mostSpare<Row>(columns: readonly Column<Row>[]): Column<Row> | undefined {
  return columns
    .filter(({ spare }) => spare !== undefined)
    .sort((a, b) => (b.spare ?? 0) - (a.spare ?? 0))
    .at(0)
}

function leftOut<Row>(all: readonly Column<Row>[], shown: readonly Column<Row>[]): string[] {
  const heads = all.filter(column => !shown.includes(column)).map(({ head }) => head)
  return heads.length === 0 ? [] : ['', `Left out for want of room (--full): ${heads.join(', ')}`]
}

function lines(laid: readonly Laid[], after: readonly string[]): string[] {
  const rows = laid[0]?.cells.length ?? 0
  const body = Array.from({ length: rows }, (_, row) => line(laid, ({ cells }) => cells[row] ?? ''))
  return [line(laid, ({ head }) => head), ...body, ...after]
}

function line(laid: readonly Laid[], textOf: (column: Laid) => string): string {
  const cells = laid.map(column => {
    const text = textOf(column)
    return column.right ? text.padStart(column.width) : text.padEnd(column.width)
  })
  return cells.join(' '.repeat(GAP)).trimEnd()
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`
}

/** Two columns without heads, values below each other: `Peer id   12D3…`. A name may have several lines, or none. */
export function pairs(
  rows: readonly (readonly [name: string, values: string | readonly string[]])[]
): string[] {
  const width = Math.max(...rows.map(([name]) => name.length)) + GAP
  return rows.flatMap(([name, values]) =>
    [values].flat().map((value, at) => `${(at === 0 ? name : '').padEnd(width)}${value}`)
  )
}

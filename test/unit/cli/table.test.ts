import { describe, expect, it } from 'vitest'
import { pairs, table, type Column } from '../../../app/main/cli/operate/table.ts'

interface Row {
  id: string
  count: number
  note: string
}

const columns: Column<Row>[] = [
  { head: 'ID', text: ({ id }) => id, short: id => id.slice(-3) },
  { head: 'COUNT', text: ({ count }) => String(count), right: true },
  { head: 'NOTE', text: ({ note }) => note, least: 6, spare: 1 }
]
const rows: Row[] = [
  { id: 'abcdefghij', count: 7, note: 'a note that is long' },
  { id: 'klmnopqrst', count: 1200, note: 'short' }
]

describe('a table', () => {
  it('stands in columns, figures to the right', () => {
    expect(table(columns, rows)).toEqual([
      'ID          COUNT  NOTE',
      'abcdefghij      7  a note that is long',
      'klmnopqrst   1200  short'
    ])
  })

  it('is left whole on a terminal that is wide enough to the letter', () => {
    expect(table(columns, rows, { width: 38 })).toEqual(table(columns, rows))
  })

  it('shortens ids first', () => {
    expect(table(columns, rows, { width: 37 })).toEqual([
      'ID   COUNT  NOTE',
      'hij      7  a note that is long',
      'rst   1200  short'
    ])
  })

  it('then cuts what may be cut', () => {
    expect(table(columns, rows, { width: 22 })).toEqual([
      'ID   COUNT  NOTE',
      'hij      7  a note th…',
      'rst   1200  short'
    ])
  })

  it('then leaves out what may be, and says so', () => {
    expect(table(columns, rows, { width: 15 })).toEqual([
      'ID   COUNT',
      'hij      7',
      'rst   1200',
      '',
      'Left out for want of room (--full): NOTE'
    ])
  })

  it('cuts what may not be left out only after that', () => {
    const all = [...columns, { head: 'MORE', text: () => 'more of it', least: 5 }]

    expect(table(all, rows, { width: 27 })[1]).toBe('hij      7  more of it')
    expect(table(all, rows, { width: 20 })[1]).toBe('hij      7  more of…')
  })

  it('is too wide rather than without its columns that count', () => {
    expect(table(columns.slice(0, 2), rows, { width: 3 })[1]).toBe('hij      7')
  })
})

describe('pairs', () => {
  it('stand below each other, further values below the first', () => {
    const lines = pairs([
      ['Peer id', 'x'],
      ['Public pages', ['a', 'b']],
      ['Metrics', []]
    ])
    expect(lines).toEqual(['Peer id       x', 'Public pages  a', '              b'])
  })
})

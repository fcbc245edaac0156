import { expect, it } from 'vitest'
import { filtered } from '../../../app/renderer/state/filter.ts'
import { RowOrder } from '../../../app/renderer/state/row-order.ts'

interface Row {
  id: string
  rate: number
}
const order = new RowOrder<Row>()
const sort = (rows: Row[], { isHeld = false, descending = true } = {}): string =>
  order
    .sort(rows, { key: ({ id }) => id, by: ({ rate }) => rate, descending, isHeld })
    .map(({ id }) => id)
    .join('')
const rows = (rates: Record<string, number>): Row[] =>
  Object.entries(rates).map(([id, rate]) => ({ id, rate }))

it('sorts by a figure, either way', () => {
  expect(sort(rows({ a: 1, b: 3, c: 2 }))).toBe('bca')
  expect(sort(rows({ a: 1, b: 3, c: 2 }), { descending: false })).toBe('acb')
})

it('leaves rows of the same figure as they come', () => {
  expect(sort(rows({ b: 1, a: 1, c: 1 }))).toBe('bac')
})

it('keeps the places while it is held, with new rows last, and sorts again afterwards', () => {
  sort(rows({ a: 1, b: 3, c: 2 }))
  expect(sort(rows({ a: 9, d: 99, b: 3, c: 2 }), { isHeld: true })).toBe('bcad')
  expect(sort(rows({ a: 9, d: 99, c: 2 }), { isHeld: true })).toBe('cad')
  expect(sort(rows({ a: 9, d: 99, c: 2 }))).toBe('dac')
})

it('finds rows by all words of the filter, whatever their case', () => {
  const peers = [
    ['12D3KooWAbc', 'js-libp2p/3', 'QUIC'],
    ['12D3KooWXyz', 'rust-libp2p', 'TCP'],
    ['12D3KooWDef', undefined, 'TCP']
  ]
  const find = (query: string): number[] =>
    filtered(peers, query, texts => texts).map(row => peers.indexOf(row))
  expect(find('tcp')).toEqual([1, 2])
  expect(find(' TCP  rust ')).toEqual([1])
  expect(find('tcp abc')).toEqual([])
  expect(find('  ')).toEqual([0, 1, 2])
})

import { expect, test } from 'vitest'
import { errorText } from '../../../app/renderer/text/errors.ts'
import { parseNetwork } from '../../../app/shared/network-link.ts'
import { AppError } from '../../../app/shared/errors.ts'

const caught = (work: () => unknown): unknown => {
  try {
    return work()
  } catch (error) {
    return error
  }
}

test.each([
  'hello',
  'https://join/',
  '{',
  '{}',
  '{"name":"a"}',
  '{"name":"a","dht":"/a"}',
  '{"name":"a","dht":"/a","bootstrap":["x"]}',
  '{"name":"a","dht":"/a","bootstrap":["/ip4/1.1.1.1/p2p/x"],"namespaces":[""]}'
])('what is wrong with the network %s is said in German', text => {
  const error = caught(() => parseNetwork(text))
  expect(errorText(error, 'de')).not.toBe(errorText(error, 'en'))
})

test('an error without a sentence in German keeps its own', () => {
  expect(errorText(new AppError('disk-full', 'The disk is full.'), 'de')).toBe('The disk is full.')
  expect(errorText(new Error('broken'), 'de')).toBe('broken')
})

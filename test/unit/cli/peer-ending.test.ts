import { describe, expect, it } from 'vitest'
import { peerMeant } from '../../../app/main/cli/operate/peer-ending.ts'
import { AppError } from '../../../app/shared/errors.ts'
import { shortPeerId } from '../../../app/shared/format.ts'

const ONE = '12D3KooWDYk8s79BMZpqMoTzRxwvH8Syh2oj2qbGc3LZc7sATbfX'
const TWO = '12D3KooWL27G4ZosHY5YL9y5F6dDxGWrWGLR4Qupv6WPfLAnCjfU'
const LIKE_TWO = '12D3KooWPKJC4brUhZtHqryyoMvfVhAaUPmEw7jay1vkgrUzCjfU'
const known = [ONE, TWO, LIKE_TWO]

function errorOf(text: string): { code: string; message: string } {
  try {
    peerMeant(text, known, 'connected')
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
  throw new Error(`${text} was understood`)
}

describe('the peer that is meant', () => {
  it.each([shortPeerId(ONE), shortPeerId(ONE).replace('…', '...'), 'sATbfX', 'TbfX'])('by %s', text => {
    expect(peerMeant(text, known, 'connected')).toBe(ONE)
  })

  it('may be in several lists', () => {
    expect(peerMeant('sATbfX', [ONE, TWO, ONE], 'connected')).toBe(ONE)
  })

  it.each([
    '12D3KooWPJZQZ7v8hYLGz2bKqqmSBxU3mPuvYBrwQBWZ1ZKbiEbS',
    'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
    '203.0.113.7',
    '203.0.113.0/24',
    '2001:db8::/32'
  ])('is %s itself, known or not', text => {
    expect(peerMeant(text, known, 'connected')).toBe(text)
  })

  it('is none where two ids end so; both are named', () => {
    const { code, message } = errorOf('CjfU')

    expect(code).toBe('ambiguous-peer')
    for (const id of [TWO, LIKE_TWO]) expect(message).toContain(id)
  })

  it.each(['sATbfx', 'nobody', 'Qm…sATbfX', 'bfX', '12D3…'])('is none by %s', text => {
    expect(errorOf(text).code).toBe('unknown-peer')
  })
})

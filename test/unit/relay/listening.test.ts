import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import { judgeFailures } from '../../../app/main/relay/listening.ts'
import { AppError } from '../../../app/shared/errors.ts'

describe('QUIC that cannot be loaded', () => {
  const error = new AppError('address-unusable', 'QUIC cannot be loaded', { setting: 'quic.enabled' })
  const failures = ['/ip4/0.0.0.0/udp/4001/quic-v1', '/ip6/::/udp/4001/quic-v1'].map(text => ({
    address: multiaddr(text),
    error
  }))

  it('is one warning while others listen', () => {
    expect(judgeFailures(failures, 4, new Set())).toEqual(['QUIC cannot be loaded'])
  })

  it('stops the start if it was asked for', () => {
    expect(() => judgeFailures(failures, 4, new Set(['quic']))).toThrow(error)
  })
})

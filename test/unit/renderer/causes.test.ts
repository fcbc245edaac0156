import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import { AutoTlsError } from '../../../app/main/relay/auto-tls/failures.ts'
import { CAUSES, MappingError, otherPortCause, portCause } from '../../../app/main/relay/mapping/causes.ts'
import { AddressBook } from '../../../app/main/relay/reach/book.ts'
import { Evidence } from '../../../app/main/relay/reach/evidence.ts'
import { REFUSALS } from '../../../app/main/relay/circuit/admission.ts'
import { certificateCause, mappingCause, reachCause } from '../../../app/renderer/text/causes.ts'
import { reasonText } from '../../../app/renderer/text/refusals.ts'

/** All that the node can say of an address, by making it say so. */
function reachSentences(): string[] {
  const said = (told: ['reached' | 'failed', 'v1' | 'v2'][]): string => {
    const evidence = new Evidence({ observed: false })
    told.forEach(([outcome, via], index) => evidence.add(`network-${index}`, via, outcome, 0))
    return evidence.cause('UDP port 4001')
  }
  const book = new AddressBook(
    { clock: { now: () => 0, date: () => new Date() }, changed: () => {} },
    { peerId: 'X' }
  )
  book.update([{ address: multiaddr('/ip4/203.0.113.1/tcp/4001'), origin: 'given' }])
  return [
    said([]),
    said([['reached', 'v1']]),
    said([['reached', 'v2']]),
    said([
      ['reached', 'v1'],
      ['reached', 'v2']
    ]),
    said([['failed', 'v1']]),
    said([
      ['failed', 'v1'],
      ['failed', 'v2']
    ]),
    said([
      ['failed', 'v1'],
      ['failed', 'v1'],
      ['failed', 'v2']
    ]),
    book.states()[0]?.cause ?? ''
  ]
}

describe('causes in German', () => {
  it.each(reachSentences())('says of an address: %s', sentence => {
    expect(sentence).not.toBe('')
    expect(reachCause(sentence, 'de')).not.toBe(sentence)
    expect(reachCause(sentence, 'de')).toMatch(/[.]$/)
    expect(reachCause(sentence, 'en')).toBe(sentence)
  })

  it('keeps the number of peers, the versions and the port', () => {
    const german = reachCause(
      '3 peers of different networks could not reach it (AutoNAT v1: 2, v2: 1). Forward UDP port 4001 to this machine in the router, and let it through the firewall.',
      'de'
    )
    expect(german).toMatch(/^3 Peers .*AutoNAT v1: 2, v2: 1.*UDP Port 4001/)
  })

  it.each(Object.entries(CAUSES))('has a sentence for the router: %s', (code, cause) => {
    const german = mappingCause({ code, cause }, undefined, 'de')
    expect(german).not.toBe(cause)
    expect(german).toBeTruthy()
  })

  it('says of a port what the router said, and which port is forwarded instead', () => {
    const port = { protocol: 'tcp', internalPort: 4001 } as const
    const refused = portCause(port, new MappingError('refused', 'error 606: not authorised'))
    expect(mappingCause({ code: 'refused', cause: refused }, port, 'de')).toMatch(
      /TCP-Port 4001.*\(error 606: not authorised\)/
    )
    const other = otherPortCause(port, 5000)
    expect(mappingCause({ code: 'conflict', cause: other }, { ...port, externalPort: 5000 }, 'de')).toMatch(
      /5000/
    )
    const conflict = portCause(port, new MappingError('conflict', 'taken'))
    expect(mappingCause({ code: 'conflict', cause: conflict }, port, 'de')).not.toBe(conflict)
  })

  it.each(['forge-refused', 'forge-unreachable', 'acme-failed', 'no-answer', 'unusable', 'disk'] as const)(
    'has a sentence for the certificate, with what the other side said: %s',
    code => {
      const { message: cause, said: detail } = new AutoTlsError(code, 'HTTP 400: no')
      expect(certificateCause({ code, cause, detail }, 'en')).toBe(cause)
      const german = certificateCause({ code, cause, detail }, 'de')
      expect(german).toMatch(/^(Die|Das) .* \(HTTP 400: no\)$/)
      expect(certificateCause({ code, cause }, 'de')).not.toMatch(/HTTP/)
    }
  )

  it('leaves a sentence that it does not know', () => {
    expect(reachCause('Something new.', 'de')).toBe('Something new.')
    expect(mappingCause({ code: 'new', cause: 'Something new.' }, undefined, 'de')).toBe('Something new.')
  })
})

describe('every refusal has words', () => {
  it.each(
    REFUSALS.flatMap(reason => (['reserve', 'connect'] as const).map(request => ({ request, reason })))
  )('$reason of a $request', refusal => {
    const [title, meaning] = reasonText(refusal)
    expect(title).not.toBe(refusal.reason)
    expect(meaning).not.toBe('')
  })

  it('tells full reservations from full circuits', () => {
    expect(reasonText({ request: 'reserve', reason: 'full' })).not.toEqual(
      reasonText({ request: 'connect', reason: 'full' })
    )
  })
})

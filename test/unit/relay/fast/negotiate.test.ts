import { handle, select } from '@libp2p/multistream-select'
import { streamPair } from '@libp2p/utils'
import type { Stream } from '@libp2p/interface'
import { describe, expect, it } from 'vitest'
import type { DuctReader, Page, RawDuct, SecureDuct } from '../../../../app/main/relay/fast/duct.ts'
import {
  acceptProtocol,
  Initiator,
  proposeProtocol,
  Responder,
  type Negotiator
} from '../../../../app/main/relay/fast/negotiate.ts'

const HEADER = line('/multistream/1.0.0')
const never = new AbortController().signal

describe('the responder', () => {
  it('answers the header and the first protocol that it has', () => {
    const { reply, protocol, rest } = new Responder(() => ['/b', '/a']).onBytes(concat(HEADER, line('/a')))
    expect({ reply: text(reply), protocol, rest: text(rest) }).toEqual({
      reply: text(concat(HEADER, line('/a'))),
      protocol: '/a',
      rest: ''
    })
  })

  it('answers na until it is proposed what it has', () => {
    const responder = new Responder(() => ['/c'])
    expect(text(responder.onBytes(concat(HEADER, line('/a'))).reply)).toBe(text(concat(HEADER, line('na'))))
    expect(text(responder.onBytes(concat(line('/b'), line('/c'))).reply)).toBe(
      text(concat(line('na'), line('/c')))
    )
  })

  it('does not have the list made for what it knows to have', () => {
    const lists: string[] = []
    const responder = new Responder(
      () => {
        lists.push('made')
        return ['/a', '/b']
      },
      protocol => protocol === '/a'
    )
    responder.onBytes(HEADER)
    expect(responder.onBytes(concat(line('/a'), Buffer.from('rest')))).toMatchObject({ protocol: '/a' })
    expect(lists).toEqual([])
  })

  it.each([
    'PROXY TCP4 192.0.2.1 192.0.2.2 1 1\r\n',
    'GET / HTTP/1.1\r\n',
    '\x16\x03',
    '\x13/multistreak',
    '\x93'
  ])('waits for no more of one who begins with %j', begin => {
    const responder = new Responder(() => ['/a'])
    expect(() => responder.onBytes(Buffer.from(begin, 'latin1'))).toThrow('does not begin')
  })

  it('lists its protocols', () => {
    const list = Buffer.concat([line('/a'), line('/b'), Buffer.from('\n')])
    const { reply, protocol } = new Responder(() => ['/a', '/b']).onBytes(concat(HEADER, line('ls')))
    expect(text(reply)).toBe(text(concat(HEADER, Buffer.from([list.length]), list)))
    expect(protocol).toBeUndefined()
  })

  it('hands on what came behind the protocol', () => {
    const { rest } = new Responder(() => ['/a']).onBytes(concat(HEADER, line('/a'), Buffer.from('data')))
    expect(text(rest)).toBe('data')
  })

  it('takes the protocols that there are when they are proposed', () => {
    const protocols = ['/a']
    const responder = new Responder(() => protocols)
    responder.onBytes(HEADER)
    protocols.push('/late')
    expect(responder.onBytes(line('/late')).protocol).toBe('/late')
  })

  it('takes a protocol whose length needs two bytes', () => {
    const long = `/${'x'.repeat(1022)}`
    expect(new Responder(() => [long]).onBytes(concat(HEADER, line(long))).protocol).toBe(long)
  })

  it.each([
    ['another greeting', line('/http/1.1')],
    ['a line that is too long', concat(HEADER, Buffer.from([0x81, 0x08]))],
    ['a length that is no length', concat(HEADER, Buffer.from([0xff, 0xff]))],
    ['an empty line', concat(HEADER, Buffer.from([0]))],
    ['a line without an end', concat(HEADER, Buffer.from('\x02/a'))],
    [
      'a browser',
      Buffer.from('GET / HTTP/1.1\r\nHost: relay.example\r\nConnection: keep-alive\r\nAccept: */*\r\n\r\n')
    ],
    ['endless proposals', concat(HEADER, ...Array.from({ length: 33 }, () => line('/none')))],
    ['endless questions', concat(HEADER, ...Array.from({ length: 33 }, () => line('ls')))]
  ])('refuses %s', (_, bytes) => {
    expect(() => new Responder(() => ['/a']).onBytes(bytes)).toThrow(
      expect.objectContaining({ name: 'InvalidMessageError' })
    )
  })
})

describe('the initiator', () => {
  it('falls back in order', () => {
    const initiator = new Initiator(['/a', '/b'])
    expect(text(initiator.opening)).toBe(text(concat(HEADER, line('/a'))))
    expect(text(initiator.onBytes(concat(HEADER, line('na'))).reply)).toBe(text(line('/b')))
    const { protocol, rest } = initiator.onBytes(concat(line('/b'), Buffer.from('data')))
    expect({ protocol, rest: text(rest) }).toEqual({ protocol: '/b', rest: 'data' })
  })

  it('says so if the other side has none of its protocols', () => {
    expect(() => new Initiator(['/a']).onBytes(concat(HEADER, line('na')))).toThrow(
      expect.objectContaining({ name: 'UnsupportedProtocolError' })
    )
  })

  it.each([
    ['another greeting', line('/multistream/2.0.0')],
    ['a protocol that it did not propose', concat(HEADER, line('/b'))]
  ])('refuses %s', (_, bytes) => {
    expect(() => new Initiator(['/a']).onBytes(bytes)).toThrow(
      expect.objectContaining({ name: 'InvalidMessageError' })
    )
  })
})

describe('bytes cut anywhere', () => {
  const cases: [string, () => Negotiator, Buffer][] = [
    ['responder', () => new Responder(() => ['/b']), concat(HEADER, line('ls'), line('/a'), line('/b'))],
    ['initiator', () => new Initiator(['/a', '/b']), concat(HEADER, line('na'), line('/b'))]
  ]
  it.each(cases)('mean the same to the %s', (_, create, said) => {
    const bytes = concat(said, Buffer.from('data'))
    const whole = run(create(), [bytes])
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second++) {
        const parts = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)]
        expect(run(create(), parts)).toEqual(whole)
      }
    }
  })

  it('are kept though their memory is used again', () => {
    const responder = new Responder(() => ['/a'])
    const memory = Buffer.alloc(1)
    const protocols = [...concat(HEADER, line('/a'))].map(byte => {
      memory[0] = byte
      return responder.onBytes(memory).protocol
    })
    expect(protocols.at(-1)).toBe('/a')
  })
})

describe('over a duct', () => {
  it.each(['raw', 'secure'] as const)('agrees with itself (%s)', async kind => {
    const [dialing, listening] = ductPair(kind)
    const [proposed, accepted] = await Promise.all([
      proposeProtocol(dialing, ['/a', '/b'], never),
      acceptProtocol(listening, ['/c', '/b'], never)
    ])
    expect([proposed.protocol, accepted.protocol]).toEqual(['/b', '/b'])
    expect([dialing.reader, dialing.isPaused, listening.reader, listening.isPaused]).toEqual([
      undefined,
      true,
      undefined,
      true
    ])
  })

  it('keeps what a lazy initiator sends at once', async () => {
    const [dialing, listening] = ductPair('secure')
    dialing.write(concat(HEADER, line('/a'), Buffer.from('data')))
    const { protocol, rest } = await acceptProtocol(listening, ['/a'], never)
    expect({ protocol, rest: text(rest) }).toEqual({ protocol: '/a', rest: 'data' })
  })

  it('sends a list that is larger than a page', async () => {
    const [dialing, listening] = ductPair('raw')
    const protocols = Array.from({ length: 32 }, (_, index) => `/${String(index).padEnd(1000, 'x')}`)
    const accepted = acceptProtocol(listening, protocols, never)
    dialing.write(
      concat(HEADER, ...Array.from({ length: 30 }, () => line('ls')), line(protocols[7] as string))
    )
    expect((await accepted).protocol).toBe(protocols[7])
    expect(dialing.arrivedBytes).toBeGreaterThan(30 * 32_000)
  })

  it('rejects when the signal aborts, and destroys nothing', async () => {
    const [dialing, listening] = ductPair('raw')
    const controller = new AbortController()
    const accepted = acceptProtocol(listening, ['/a'], controller.signal)
    controller.abort(new Error('too slow'))
    await expect(accepted).rejects.toThrow('too slow')
    expect([listening.reader, listening.isPaused, dialing.isOver]).toEqual([undefined, true, false])
    await expect(proposeProtocol(dialing, ['/a'], controller.signal)).rejects.toThrow('too slow')
  })

  it('rejects when the other side ends or closes', async () => {
    for (const leave of ['end', 'destroy'] as const) {
      const [dialing, listening] = ductPair('raw')
      const accepted = acceptProtocol(listening, ['/a'], never)
      dialing[leave]()
      await expect(accepted).rejects.toThrow(/during the negotiation/)
    }
  })
})

describe('with upstream', () => {
  it.each([
    [['/a'], ['/a']],
    [['/a', '/b'], ['/b']],
    [
      ['/a', '/b', '/c'],
      ['/c', '/b']
    ]
  ])('agrees when it proposes %j and the other has %j', async (proposed, available) => {
    const first = await streamPair()
    const [protocol, ours] = await Promise.all([
      select(first[0], proposed, { signal: AbortSignal.timeout(5_000) }),
      acceptProtocol(ductOver(first[1]), available, never)
    ])
    expect(protocol).toBe(ours.protocol)

    const second = await streamPair()
    const [theirs, agreed] = await Promise.all([
      handle(second[1], available, { signal: AbortSignal.timeout(5_000) }),
      proposeProtocol(ductOver(second[0]), proposed, never)
    ])
    expect(agreed.protocol).toBe(theirs)
    expect(theirs).toBe(protocol)
  })

  it('both say so when nothing fits', async () => {
    const first = await streamPair()
    const accepted = acceptProtocol(ductOver(first[1]), ['/b'], AbortSignal.timeout(50)).catch(() => {})
    await expect(select(first[0], ['/a'], { signal: AbortSignal.timeout(5_000) })).rejects.toThrow()
    await accepted

    const second = await streamPair()
    const handled = handle(second[1], ['/b'], { signal: AbortSignal.timeout(50) }).catch(() => {})
    await expect(proposeProtocol(ductOver(second[0]), ['/a'], never)).rejects.toThrow('none of /a')
    await handled
  })
})

/** All replies, and how it ended. What comes after the protocol is the caller's. */
function run(negotiator: Negotiator, parts: Buffer[]): unknown {
  const replies: Uint8Array[] = [negotiator.opening]
  for (const [index, part] of parts.entries()) {
    const { reply, protocol, rest } = negotiator.onBytes(part)
    replies.push(Buffer.from(reply))
    if (protocol === undefined) continue
    return {
      replies: text(concat(...replies)),
      protocol,
      rest: text(concat(rest ?? part, ...parts.slice(index + 1)))
    }
  }
  return { replies: text(concat(...replies)) }
}

/** A duct in memory, both raw and secure; which of the two it shows is for who looks at its methods. */
class MemoryDuct {
  reader: DuctReader | undefined
  readonly full = false
  readonly headroom = 0
  isPaused = true
  isOver = false
  arrivedBytes = 0
  other!: MemoryDuct
  #waiting: Buffer[] = []

  send(page: Page, start: number, end: number): void {
    this.write(page.bytes.subarray(start, end))
    page.release()
  }

  write(bytes: Uint8Array): void {
    this.other.#arrive(Buffer.from(bytes))
  }

  flush(): void {}

  unshift(): void {}

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    queueMicrotask(() => this.#deliver())
  }

  end(): void {
    queueMicrotask(() => this.other.reader?.onEnd())
  }

  destroy(): void {
    this.isOver = true
    queueMicrotask(() => this.other.reader?.onClose())
  }

  #arrive(bytes: Buffer): void {
    this.arrivedBytes += bytes.length
    this.#waiting.push(bytes)
    queueMicrotask(() => this.#deliver())
  }

  #deliver(): void {
    while (!this.isPaused && this.reader !== undefined && this.#waiting.length > 0) {
      this.reader.onBytes(this.#waiting.shift() as Buffer)
    }
  }
}

type PairOf<Kind> = MemoryDuct & (Kind extends 'raw' ? RawDuct : SecureDuct)

function ductPair<Kind extends 'raw' | 'secure'>(kind: Kind): [PairOf<Kind>, PairOf<Kind>] {
  const [first, second] = [new MemoryDuct(), new MemoryDuct()]
  first.other = second
  second.other = first
  // Whoever is secure has no `send`.
  if (kind === 'secure') for (const duct of [first, second]) Object.setPrototypeOf(duct, secureOnly)
  return [first, second]
}

const secureOnly = Object.create(
  null,
  Object.fromEntries(
    Object.entries(Object.getOwnPropertyDescriptors(MemoryDuct.prototype)).filter(([name]) => name !== 'send')
  )
) as object

/** A duct over upstream's stream. */
function ductOver(stream: Stream): SecureDuct {
  const duct: SecureDuct = {
    reader: undefined,
    full: false,
    write: bytes => void stream.send(Uint8Array.from(bytes)),
    flush: () => {},
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    end: () => void stream.close().catch(() => {}),
    destroy: () => stream.abort(new Error('destroyed'))
  }
  stream.addEventListener('message', ({ data }) => duct.reader?.onBytes(Buffer.from(data.subarray())))
  return duct
}

function line(protocol: string): Buffer {
  const bytes = Buffer.from(`${protocol}\n`)
  const { length } = bytes
  return concat(Buffer.from(length < 0x80 ? [length] : [(length & 0x7f) | 0x80, length >> 7]), bytes)
}

function concat(...parts: Uint8Array[]): Buffer {
  return Buffer.concat(parts)
}

function text(bytes: Uint8Array = Buffer.alloc(0)): string {
  return Buffer.from(bytes).toString('latin1')
}

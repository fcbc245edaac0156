/** What is measured, one id each: `tcp/8`, `ws/setup8`, `start`. */

export const TRANSPORTS = ['tcp', 'tls', 'quic', 'ws'] as const
/** TCP with Noise, TCP with TLS, QUIC, WebSocket with Noise. */
export type Transport = (typeof TRANSPORTS)[number]

interface Named {
  id: string
  /** Only measured if it is asked for by its whole id. */
  rare?: boolean
}
export interface TransferCase extends Named {
  kind: 'transfer'
  transport: Transport
  circuits: number
  /** Bytes of each write. */
  writeBytes: number
}
export interface SetUpCase extends Named {
  kind: 'setup'
  transport: Transport
  atOnce: number
}
export interface RoundTripCase extends Named {
  kind: 'roundtrip'
  transport: Transport
  bytes: number
}
export interface ReservationsCase extends Named {
  kind: 'reservations'
  transport: Transport
}
export interface StartCase extends Named {
  kind: 'start'
}
/** A transfer through the desktop app's node, and through the headless one beside it. */
export interface DesktopCase extends Named {
  kind: 'desktop'
  transport: Transport
  circuits: number
  writeBytes: number
  /** How fast the clients send, all circuits together; as fast as they can unless given. */
  bytesPerSecond?: number
}
export type Case = TransferCase | SetUpCase | RoundTripCase | ReservationsCase | StartCase | DesktopCase

const KiB = 1024
const MiB = 1024 * KiB

function ofTransport(transport: Transport): Case[] {
  const transfer = (name: string, circuits: number, writeBytes: number): Case => ({
    id: `${transport}/${name}`,
    kind: 'transfer',
    transport,
    circuits,
    writeBytes
  })
  return [
    transfer('1', 1, 64 * KiB),
    transfer('8', 8, 64 * KiB),
    transfer('64', 64, 64 * KiB),
    transfer('8x1k', 8, KiB),
    ...[1, 8].map(atOnce => ({
      id: `${transport}/setup${atOnce}`,
      kind: 'setup' as const,
      transport,
      atOnce
    })),
    { id: `${transport}/rtt64`, kind: 'roundtrip', transport, bytes: 64 },
    { id: `${transport}/rtt4k`, kind: 'roundtrip', transport, bytes: 4 * KiB },
    { id: `${transport}/reservations`, kind: 'reservations', transport, rare: transport !== 'tcp' }
  ]
}

const inElectron = { kind: 'desktop', transport: 'tcp', circuits: 8, writeBytes: 64 * KiB } as const

export const CASES: readonly Case[] = [
  ...TRANSPORTS.flatMap(ofTransport),
  { id: 'start', kind: 'start' },
  { id: 'electron/8', ...inElectron },
  { id: 'electron/paced', ...inElectron, bytesPerSecond: 20 * MiB }
]

/** What a run of two minutes has time for. */
const QUICK = /^((tcp|tls|quic|ws)\/8|tcp\/(8x1k|setup8|rtt64|reservations)|start)$/

/**
 * The cases that patterns ask for: an id (`tcp/8`), or one of its halves, or how that begins (`ws`, `setup`, `8x1k`,
 * `tcp/rtt`). No pattern: all, or those of a quick run. Throws where a pattern asks for none.
 */
export function chosen(patterns: readonly string[], quick: boolean): Case[] {
  if (patterns.length === 0) return CASES.filter(({ id, rare }) => (quick ? QUICK.test(id) : rare !== true))
  const matches = ({ id, rare }: Case, pattern: string): boolean => {
    const [transport, name = ''] = id.split('/')
    if (id === pattern) return true
    if (rare === true) return false
    // A number is a number of circuits: 8 means neither 8x1k nor 64 ones.
    const begins = (text: string): boolean => !/\d$/.test(pattern) && text.startsWith(pattern)
    return transport === pattern || name === pattern || begins(id) || begins(name)
  }
  for (const pattern of patterns) {
    if (CASES.some(each => matches(each, pattern))) continue
    throw new Error(`--only ${pattern}: there is ${CASES.map(({ id }) => id).join(', ')}`)
  }
  return CASES.filter(each => patterns.some(pattern => matches(each, pattern)))
}

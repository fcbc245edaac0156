import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../../app/shared/errors.ts'
import { defaultOf, fieldOf, keys, PROFILES, type Key } from '../../../app/shared/settings.ts'
import { formatValue, parseValue } from '../../../app/shared/values.ts'

const PEER = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'
const MiB = 1024 * 1024
const CHAT = { name: 'Chat', dht: '/chat', bootstrap: [], namespaces: ['/libp2p/relay'] }

function refusalOf(key: Key, given: unknown, where?: string): AppError {
  try {
    parseValue(key, given, where)
  } catch (error) {
    if (error instanceof AppError) return error
  }
  throw new Error(`${key} accepted ${String(given)}`)
}

const accepted: [Key, unknown, unknown][] = [
  ['metrics.listen', '', ''],
  ['metrics.listen', '127.0.0.1:9464', '127.0.0.1:9464'],
  ['metrics.listen', '[::1]:9464', '[::1]:9464'],
  ['quota.bytesPerMonth', '100 GB', 100_000_000_000],
  ['relay.rate.peers', `${PEER}=50kB/s`, [`${PEER}=50kB/s`]],
  ['relay.reservations.total', '1024', 1024],
  ['relay.reservations.total', ' 1_000 ', 1000],
  ['relay.reservations.total', 64, 64],
  ['relay.reservations.total', '0', 0],
  ['relay.reservations.total', 'unlimited', 0],
  ['relay.reservations.total', 'None', 0],
  ['relay.circuits.bytesEachWay', '100MiB', 100 * MiB],
  ['relay.circuits.bytesEachWay', '1GB', 1e9],
  ['relay.circuits.bytesEachWay', '128 KiB', 131_072],
  ['relay.circuits.bytesEachWay', '100mb', 100_000_000],
  ['relay.circuits.bytesEachWay', '1.1kB', 1100],
  ['relay.circuits.bytesEachWay', '1.3KiB', 1331],
  ['relay.circuits.bytesEachWay', '512 bytes', 512],
  ['relay.circuits.bytesEachWay', 'unlimited', 0],
  ['relay.rate.totalBytesPerSecond', '1.25MB/s', 1_250_000],
  ['relay.rate.totalBytesPerSecond', '50kB/s', 50_000],
  ['relay.rate.totalBytesPerSecond', '50KB/s', 50_000],
  ['relay.rate.totalBytesPerSecond', '10Mbit/s', 1_250_000],
  ['relay.rate.totalBytesPerSecond', '10 Mbps', 1_250_000],
  ['relay.rate.totalBytesPerSecond', '10mbps', 1_250_000],
  ['relay.rate.totalBytesPerSecond', '10MBps', 10_000_000],
  ['relay.rate.totalBytesPerSecond', '1MiB/s', MiB],
  ['relay.rate.totalBytesPerSecond', '8 bit/s', 1],
  ['relay.rate.totalBytesPerSecond', '12345', 12_345],
  ['relay.circuits.durationSeconds', '90', 90],
  ['relay.circuits.durationSeconds', '90s', 90],
  ['relay.circuits.durationSeconds', '2min', 120],
  ['relay.circuits.durationSeconds', '2m', 120],
  ['relay.circuits.durationSeconds', '1h', 3600],
  ['relay.circuits.durationSeconds', '1.5 hours', 5400],
  ['relay.circuits.durationSeconds', '7d', 604_800],
  ['tcp.port', '0', 0],
  ['tcp.port', '65535', 65_535],
  ...['true', 'YES', 'on', '1', 1, true].map((given): [Key, unknown, unknown] => ['log.peers', given, true]),
  ...['false', 'no', 'Off', '0', 0, false].map((given): [Key, unknown, unknown] => [
    'log.peers',
    given,
    false
  ]),
  ['log.level', 'Debug', 'debug'],
  ['dht.protocol', '/privstack/kad/1.0.0', '/privstack/kad/1.0.0'],
  ['identity.agentVersion', '', ''],
  ['networks', 'none', []],
  ['networks', '{"name": "Chat", "dht": "/chat"}', [CHAT]],
  ['networks', [{ name: ' Chat ', dht: '/chat' }], [CHAT]],
  ['listen.ip6', 'off', []],
  ['listen.ip6', 'none', []],
  ['listen.ip6', '', []],
  ['listen.ip4', '127.0.0.1, 10.0.0.1,', ['127.0.0.1', '10.0.0.1']],
  ['listen.ip4', '["127.0.0.1"]', ['127.0.0.1']],
  ['listen.ip4', ['127.0.0.1'], ['127.0.0.1']],
  ['announceIp', '203.0.113.7,2001:db8::7', ['203.0.113.7', '2001:db8::7']],
  ['announce', '/ip4/203.0.113.7/tcp/4001', ['/ip4/203.0.113.7/tcp/4001']],
  [
    'access.deny',
    `${PEER},10.0.0.0/8,2001:db8::/32,192.0.2.1`,
    [PEER, '10.0.0.0/8', '2001:db8::/32', '192.0.2.1']
  ],
  ['dht.bootstrap', `/dns4/a.example/tcp/4001/p2p/${PEER}`, [`/dns4/a.example/tcp/4001/p2p/${PEER}`]]
]

const refused: [Key, unknown][] = [
  ['networks', 'Chat'],
  ['networks', '[{"name": "Chat"}]'],
  ['networks', [{ name: '/chat', dht: '/chat' }]],
  ['networks', [{ ...CHAT, bootstrap: ['/ip4/192.0.2.1/tcp/1'] }]],
  ['networks', [{ ...CHAT, sharePercent: 101 }]],
  ['networks', [{ ...CHAT, colour: 'blue' }]],
  ['networks', [CHAT, { ...CHAT, name: 'chat' }]],
  ['metrics.listen', '9464'],
  ['metrics.listen', ':9464'],
  ['metrics.listen', '999.1.1.1:9464'],
  ['metrics.listen', 'localhost:9464'],
  ['metrics.listen', '127.0.0.1:99999'],
  ['metrics.listen', '::1:9464'],
  ['metrics.listen', '[127.0.0.1]:9464'],
  ['relay.reservations.total', '-1'],
  ['relay.reservations.total', -1],
  ['relay.reservations.total', '1.5'],
  ['relay.reservations.total', 1.5],
  ['relay.reservations.total', '1e3'],
  ['relay.reservations.total', '1,000'],
  ['relay.reservations.total', ''],
  ['relay.reservations.total', 'many'],
  ['relay.reservations.total', '1000001'],
  ['relay.reservations.total', null],
  ['relay.reservations.total', true],
  ['relay.reservations.total', [64]],
  ['relay.reservations.total', Infinity],
  // Not a limit: unlimited means nothing here.
  ['relay.reservations.ttlSeconds', 'unlimited'],
  ['relay.reservations.ttlSeconds', '0'],
  ['relay.circuits.bufferBytes', '1023KiB'],
  ['relay.circuits.bytesEachWay', '100M'],
  ['relay.circuits.bytesEachWay', '100MiB/s'],
  ['relay.circuits.bytesEachWay', '10Mbit'],
  ['relay.circuits.bytesEachWay', '1.5'],
  // Would round to 0, which is "no limit".
  ['relay.circuits.bytesEachWay', '0.0001kB'],
  ['relay.circuits.bytesEachWay', '99999999TB'],
  // Kilobytes or kilobits? A factor of eight is not guessed.
  ['relay.rate.totalBytesPerSecond', '50kb/s'],
  ['relay.rate.totalBytesPerSecond', '1MB/h'],
  ['relay.rate.totalBytesPerSecond', '1 bit/s'],
  ['relay.circuits.durationSeconds', '1.5s'],
  ['relay.circuits.durationSeconds', '2 weeks'],
  ['relay.circuits.durationSeconds', '100ms'],
  ['tcp.port', '65536'],
  ['tcp.port', 'http'],
  ['log.peers', 'maybe'],
  ['log.peers', 2],
  ['log.peers', ''],
  ['log.level', 'loud'],
  ['log.level', 3],
  ['dht.protocol', 'kad'],
  ['dht.protocol', 5],
  ['identity.protocolVersion', 'two words'],
  ['listen.ip4', '::1'],
  ['listen.ip4', '256.0.0.1'],
  ['listen.ip4', ['127.0.0.1', 7]],
  ['listen.ip4', '["127.0.0.1"'],
  ['listen.ip4', { ip: '127.0.0.1' }],
  ['announceIp', 'relay.example'],
  ['announce', '203.0.113.7:4001'],
  ['access.allow', 'alice'],
  ['dht.bootstrap', '/ip4/203.0.113.7/tcp/4001']
]

describe('reading a value', () => {
  it.each(accepted)('reads %s from %j as %j', (key, given, value) => {
    expect(parseValue(key, given)).toEqual(value)
  })

  it.each(refused)('refuses %s from %j', (key, given) => {
    const error = refusalOf(key, given)
    expect(error.code).toBe('bad-setting')
    expect(error.details.setting).toBe(key)
  })

  it('names the setting, where it was given, what was given and what is allowed', () => {
    expect(refusalOf('tcp.port', '70000', '--tcp-port').message).toBe(
      'tcp.port (given by --tcp-port) cannot be "70000". Allowed: a whole number, 0 to 65535.'
    )
  })

  it('names the item of a list that is to blame', () => {
    expect(refusalOf('listen.ip4', '127.0.0.1,nonsense').message).toContain('because of "nonsense"')
  })

  it('shortens what was given', () => {
    expect(refusalOf('log.level', 'x'.repeat(5000)).message.length).toBeLessThan(250)
  })
})

describe('showing a value', () => {
  it.each([
    ['relay.circuits.bytesEachWay', 100 * MiB, '100 MiB'],
    ['relay.circuits.bytesEachWay', 1.5 * MiB, '1.5 MiB'],
    ['relay.circuits.bytesEachWay', 1000, '1000 B'],
    ['relay.circuits.bytesEachWay', 0, 'unlimited'],
    ['relay.rate.totalBytesPerSecond', 1_250_000, '1.25 MB/s'],
    ['relay.rate.totalBytesPerSecond', 1_234_567, '1234.567 kB/s'],
    ['relay.circuits.durationSeconds', 3600, '1 h'],
    ['relay.circuits.durationSeconds', 5400, '90 min'],
    ['shutdown.timeoutSeconds', 0, '0 s'],
    ['relay.reservations.total', 0, 'unlimited'],
    ['tcp.port', 0, '0'],
    ['access.allow', [], 'none'],
    ['listen.ip4', ['10.0.0.1', '10.0.0.2'], '10.0.0.1, 10.0.0.2'],
    ['log.peers', false, 'false']
  ] satisfies [Key, unknown, string][])('shows %s %j as %s', (key, value, text) => {
    expect(formatValue(key, value)).toBe(text)
  })

  const cases = keys.flatMap(key => PROFILES.map(profile => [key, profile] as const))
  it.each(cases)('shows the default of %s in %s so that it reads back', (key, profile) => {
    const value = key === 'profile' ? profile : defaultOf(key, profile)
    expect(parseValue(key, formatValue(key, value))).toEqual(value)
  })

  const numeric = keys.filter(key => typeof defaultOf(key, 'server') === 'number')
  it.each(numeric)('shows every %s so that it reads back', key => {
    const { schema } = fieldOf(key)
    const magnitudes = [1, 60, 1000, 1024, 3600, 1e6, MiB, 1e9, 2 ** 30, 2 ** 38, 1e12]
    const scaled = fc
      .tuple(fc.nat(5000), fc.constantFrom(...magnitudes))
      .map(([count, size]) => Math.ceil((count * size) / 4))
    const amounts = fc.oneof(fc.integer({ min: 1, max: 600 }), fc.maxSafeNat(), scaled)
    const clamp = (amount: number): number =>
      schema.safeParse(amount).success ? amount : (amount % 60_000_000) + MiB
    fc.assert(
      fc.property(amounts.map(clamp), amount => {
        fc.pre(schema.safeParse(amount).success)
        expect(parseValue(key, formatValue(key, amount))).toBe(amount)
      })
    )
  })

  it('shows every list so that it reads back', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.ipV4(), fc.constantFrom('2001:db8::1', '::1'))), list => {
        expect(parseValue('announceIp', formatValue('announceIp', list))).toEqual(list)
      })
    )
  })
})

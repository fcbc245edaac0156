import { describe, expect, it } from 'vitest'
import type { LadderFacts, Way } from '../../../app/main/relay/reachability/facts.ts'
import { Ladder } from '../../../app/main/relay/reachability/ladder.ts'
import type { AddressInfo, MappingInfo } from '../../../app/shared/api.ts'
import type { LadderInfo, Rung, RungName, SelfTestResult } from '../../../app/shared/api/ladder.ts'
import { LADDER_WORDS, ladderWords, type LadderCode } from '../../../app/shared/ladder-words.ts'

const ID = '/p2p/12D3KooWER1UqhbiKvTZ9E4zDDe5dbNX5ss4zuVFmAw8GXq3LbGe'
const SINCE = '2026-11-21T10:00:00.000Z'
const NOW = '2026-11-21T12:00:00.000Z'
const LAN = `/ip4/192.168.1.5/tcp/4001${ID}`
const OUTSIDE = `/ip4/5.6.7.8/tcp/4001${ID}`
const TCP: Way = { transport: 'tcp', family: 'ip4', protocol: 'tcp', port: 4001 }
const PASSED = { ok: true, milliseconds: 12 } as const

const address = (text: string, state: AddressInfo['state'], cause?: string): AddressInfo => ({
  address: text,
  transport: 'tcp',
  public: /5\.6\.7\.8|2606:/.test(text),
  state,
  since: SINCE,
  ...(cause !== undefined && { cause })
})
const lan = address(LAN, 'listening')
const mapping = (info: Partial<MappingInfo>): MappingInfo => ({
  state: 'off',
  since: SINCE,
  ports: [],
  ...info
})
const forwarded = mapping({
  state: 'mapped',
  gateway: { protocol: 'upnp', address: '192.168.1.1', externalIp: '5.6.7.8' },
  ports: [
    {
      ...{ transport: 'tcp', protocol: 'tcp', internalPort: 4001, externalPort: 4001 },
      ...{ state: 'mapped', since: SINCE }
    }
  ]
})
const tested: SelfTestResult = {
  ...{ transport: 'tcp', family: 'ip4', address: LAN, by: 'announced' },
  ...{ reservation: PASSED, circuit: PASSED }
}

/** All is well: behind a router that forwards, verified, in a DHT, tested and used. */
const well: LadderFacts = {
  mode: { mode: 'open' },
  ways: [TCP],
  failures: [],
  addresses: [lan, address(OUTSIDE, 'verified', '1 peer reached it (AutoNAT v2).')],
  announced: [LAN, OUTSIDE],
  mapping: forwarded,
  dht: { enabled: true, servers: 20, joins: 1 },
  selfTest: { state: 'done', at: SINCE, results: [tested] },
  firewalls: [],
  demand: { reservations: 1, circuits: 0, ever: 4 }
}

const look = (change: Partial<LadderFacts> = {}): LadderInfo =>
  new Ladder({ now: () => NOW }).look({ ...well, ...change })
const rung = (ladder: LadderInfo, name: RungName): Rung | undefined =>
  ladder.rows[0]?.rungs.find(each => each.rung === name)
const states = (ladder: LadderInfo): string => ladder.rows[0]?.rungs.map(({ state }) => state).join(' ') ?? ''

describe('the ladder', () => {
  it('is ok on all six rungs where all is well', () => {
    const ladder = look()
    expect(states(ladder)).toBe('ok ok ok ok ok ok')
    expect(ladder).toMatchObject({ health: 'healthy', code: 'healthy' })
    expect(ladder.rows[0]?.address).toBe(OUTSIDE)
    expect(rung(ladder, 'mapped')).toMatchObject({ since: SINCE, cause: 'The router forwards port 4001.' })
  })

  it('tells a node that nobody has asked from one that does not work', () => {
    const demand = { reservations: 0, circuits: 0, ever: 0 }
    expect(look({ demand })).toMatchObject({ health: 'no-demand', code: 'no-demand-joined' })
    const alone = look({ demand, dht: { enabled: true, servers: 0, joins: 0 } })
    expect(alone).toMatchObject({ health: 'no-demand', code: 'no-demand' })
    expect(alone.mend).toContain('Add the network')
  })

  it.each([
    ['off', { mode: { mode: 'off' } }, 'off', 'off'],
    ['starting', { mode: { mode: 'open', starting: true } }, 'starting', 'starting'],
    ['paused', { mode: { mode: 'paused' } }, 'resting', 'takes-no-work'],
    ['faulty', { mode: { mode: 'open', fault: { code: 'internal', message: 'no.' } } }, 'broken', 'fault']
  ] as const)('says of a node that is %s so', (_, change, health, code) => {
    expect(look(change)).toMatchObject({ health, code })
  })

  it('says why nothing listens, and leaves the rungs above open', () => {
    const cause = 'TCP port 4001 on 0.0.0.0 is in use by another program (setting tcp.port).'
    const failures = [{ transport: 'tcp', family: 'ip4', cause, noSuchFamily: false } as const]
    const selfTest = { state: 'never', results: [] } as const
    const ladder = look({
      failures,
      addresses: [],
      announced: [],
      mapping: mapping({}),
      selfTest: { ...selfTest, results: [] }
    })
    expect(states(ladder)).toBe('failed waiting waiting waiting waiting waiting')
    expect(rung(ladder, 'listening')).toMatchObject({ code: 'cannot-open', cause })
    expect(ladder).toMatchObject({ health: 'broken', cause })
  })

  it('does without IPv6 where the machine has none', () => {
    const six: Way = { ...TCP, family: 'ip6' }
    const failures = [{ transport: 'tcp', family: 'ip6', cause: '', noSuchFamily: true } as const]
    const ladder = look({ ways: [six, TCP], failures })
    expect(states(ladder)).toBe('off off off off off off')
    expect(ladder.health).toBe('healthy')
  })

  const behind = (change: Partial<MappingInfo>): Partial<LadderFacts> => ({
    addresses: [lan],
    announced: [LAN],
    mapping: mapping({ state: 'failed', ...change })
  })

  it('says in the words of the mapping why no router forwards', () => {
    const ladder = look(behind({ code: 'no-gateway', cause: 'No router answered by UPnP or NAT-PMP.' }))
    expect(states(ladder)).toBe('ok failed waiting ok ok ok')
    expect(rung(ladder, 'mapped')).toMatchObject({ code: 'router-failed', details: { why: 'no-gateway' } })
    expect(ladder).toMatchObject({ health: 'broken', cause: 'No router answered by UPnP or NAT-PMP.' })
  })

  it('names both of two routers, and the net of a provider', () => {
    const gateway = { protocol: 'upnp', address: '192.168.1.1' } as const
    const two = look(behind({ code: 'private-gateway', gateway: { ...gateway, externalIp: '10.0.0.7' } }))
    expect(rung(two, 'mapped')).toMatchObject({ state: 'failed', code: 'two-routers' })
    expect(two.cause).toContain('192.168.1.1')
    expect(two.cause).toContain('10.0.0.7')
    expect(two.mend).toContain('bridge')
    const carrier = look(
      behind({ code: 'private-gateway', gateway: { ...gateway, externalIp: '100.72.1.9' } })
    )
    expect(carrier).toMatchObject({ health: 'broken', code: 'carrier-nat' })
  })

  it('names the Internet address of the outer router, where peers have seen it', () => {
    const gateway = { protocol: 'upnp', address: '192.168.1.1', externalIp: '10.0.0.7' } as const
    const seen = { ...address(OUTSIDE, 'unreachable', '3 peers could not.'), observed: true } as const
    const ladder = look({ ...behind({ code: 'private-gateway', gateway }), addresses: [lan, seen] })
    expect(rung(ladder, 'mapped')).toMatchObject({ state: 'failed', code: 'two-routers' })
    expect(rung(ladder, 'mapped')?.cause).toContain('in front of it (5.6.7.8 on the Internet)')
  })

  it('asks no router for more where peers reach the node by one', () => {
    const seen = { ...address(OUTSIDE, 'verified'), observed: true } as const
    const ladder = look({ ...behind({ code: 'no-gateway', cause: 'None.' }), addresses: [lan, seen] })
    expect(rung(ladder, 'mapped')).toMatchObject({ state: 'off', code: 'forwarded-by-hand' })
  })

  it('takes a router without an address, through which the Internet is reached, for the inner of two', () => {
    const hidden = { code: 'no-external-address', cause: 'The router has no public address.' }
    const gateway = { protocol: 'upnp', address: '192.168.1.1' } as const
    const online = look(behind({ ...hidden, gateway }))
    expect(rung(online, 'mapped')).toMatchObject({ state: 'failed', code: 'two-routers-hidden' })
    expect(online.cause).toContain('192.168.1.1')
    const dht = { enabled: true, servers: 0, joins: 1 }
    const offline = look({ ...behind({ ...hidden, gateway }), dht })
    expect(rung(offline, 'mapped')).toMatchObject({ code: 'router-failed', cause: hidden.cause })
  })

  it('says of IPv6 whether the router lets it in', () => {
    const six = `/ip6/2606:4700::2/tcp/4001${ID}`
    const at6 = (pinholes: MappingInfo['pinholes']): LadderInfo =>
      look({
        ways: [{ ...TCP, family: 'ip6' }],
        addresses: [address(six, 'listening')],
        mapping: { ...forwarded, ...(pinholes && { pinholes }) }
      })
    const pinhole = { transport: 'tcp', protocol: 'tcp', internalPort: 4001, since: SINCE } as const
    expect(rung(at6([{ ...pinhole, state: 'mapped' }]), 'mapped')).toMatchObject({
      ...{ state: 'ok', code: 'pinhole', since: SINCE },
      cause: 'The router lets IPv6 in to port 4001.'
    })
    const failed = { ...pinhole, state: 'failed', code: 'pinholes-forbidden', cause: 'It may not.' } as const
    expect(rung(at6([failed]), 'mapped')).toMatchObject({
      ...{ state: 'failed', code: 'pinhole-failed', cause: 'It may not.' }
    })
    expect(rung(at6(undefined), 'mapped')).toMatchObject({ state: 'off', code: 'not-needed' })
  })

  it('says that the router forwards another port', () => {
    const [port] = forwarded.ports
    const ports = port === undefined ? [] : [{ ...port, externalPort: 50_001, code: 'conflict' }]
    const ladder = look({ mapping: { ...forwarded, ports } })
    expect(rung(ladder, 'mapped')).toMatchObject({ state: 'ok', code: 'mapped-elsewhere' })
  })

  it('blames the router first and a firewall of this machine after it', () => {
    const cause = '3 peers of different networks could not reach it (AutoNAT v2).'
    const addresses = [lan, address(OUTSIDE, 'unreachable', cause)]
    const announced = [LAN]
    expect(look({ addresses, announced })).toMatchObject({ health: 'broken', code: 'unreachable', cause })
    const ufw = look({ addresses, announced, firewalls: [{ name: 'ufw' }] })
    expect(ufw).toMatchObject({ health: 'broken', code: 'firewall' })
    expect(ufw.cause).toContain('Ufw is on here')
    expect(ufw.mend).toContain('sudo ufw allow 4001/tcp')
    const open = look({ addresses, announced, firewalls: [{ name: 'ufw', allowed: ['4001/tcp'] }] })
    expect(open.code).toBe('unreachable')
  })

  it('blames a firewall for a router that is not heard, too', () => {
    const ladder = look({
      ...behind({ code: 'no-gateway', cause: 'No router answered.' }),
      firewalls: [{ name: 'firewalld' }]
    })
    expect(rung(ladder, 'mapped')).toMatchObject({ state: 'failed', code: 'no-gateway-firewall' })
    expect(ladder.cause).toContain('Firewalld')
  })

  it('waits for someone to try an address, and for a router that is asked', () => {
    const untried = { addresses: [lan, address(OUTSIDE, 'mapped')], announced: [LAN] }
    expect(look(untried)).toMatchObject({ health: 'waiting', code: 'nobody-tried' })
    expect(states(look(untried))).toBe('ok ok waiting waiting ok ok')
    const asking = { addresses: [lan], announced: [LAN], mapping: mapping({ state: 'searching' }) }
    expect(look(asking)).toMatchObject({ health: 'waiting', code: 'asking-router' })
  })

  it('takes what the person gives for reached, and says that nobody checked it', () => {
    const ladder = look({ addresses: [lan, address(OUTSIDE, 'given')], mapping: mapping({}) })
    expect(states(ladder)).toBe('ok off unknown ok ok ok')
    expect(ladder.health).toBe('healthy')
  })

  it('is content with the own network where the settings ask for no more', () => {
    const ladder = look({ addresses: [lan], announced: [LAN], mapping: mapping({}) })
    expect(states(ladder)).toBe('ok off off ok ok ok')
    expect(ladder).toMatchObject({ health: 'local' })
    const loopback = `/ip4/127.0.0.1/tcp/4001${ID}`
    const alone = look({ addresses: [address(loopback, 'listening')], announced: [loopback] })
    expect(states(alone)).toBe('ok off off off ok ok')
  })

  it.each([
    [{ enabled: false, servers: 0, joins: 1 }, 'off', 'dht-off'],
    [{ enabled: true, servers: 0, joins: 1 }, 'failed', 'dht-nobody'],
    [{ enabled: true, servers: 0, joins: 0 }, 'waiting', 'no-network']
  ] as const)('tells a DHT of %o as %s', (dht, state, code) => {
    expect(rung(look({ dht }), 'advertised')).toMatchObject({ state, code })
  })

  it('tells what the self-test found', () => {
    const failed: SelfTestResult = {
      ...tested,
      circuit: { ok: false, code: 'no-answer', cause: 'The node took the connection and did not answer.' }
    }
    const broken = look({ selfTest: { state: 'done', at: SINCE, results: [failed] } })
    expect(states(broken)).toBe('ok ok ok ok ok failed')
    expect(broken).toMatchObject({ health: 'broken', code: 'no-answer' })
    const other = { ...tested, reservation: { ok: false, code: 'other-peer', cause: '' } as const }
    const wrong = look({ selfTest: { state: 'done', at: SINCE, results: [other] } })
    expect(states(wrong)).toBe('ok ok ok ok failed waiting')
    const inside = look({ selfTest: { state: 'done', at: SINCE, results: [{ ...tested, by: 'inside' }] } })
    expect(rung(inside, 'reservation')).toMatchObject({ state: 'ok', code: 'reserved-inside' })
  })

  it.each([
    ['running', 'waiting', 'testing'],
    ['never', 'waiting', 'not-tested'],
    ['failed', 'unknown', 'test-failed']
  ] as const)('tells a self-test that is %s', (state, rungState, code) => {
    const ladder = look({ selfTest: { state, results: [] } })
    expect(rung(ladder, 'circuit')).toMatchObject({ state: rungState, code })
  })

  it('remembers since when a rung is so, and when it was last right', () => {
    let now = NOW
    const ladder = new Ladder({ now: () => now })
    const dht = { enabled: true, servers: 0, joins: 1 }
    ladder.look(well)
    now = '2026-11-21T12:10:00.000Z'
    expect(rung(ladder.look({ ...well, dht }), 'advertised')).toMatchObject({ since: now, lastOkAt: NOW })
    const later = '2026-11-21T12:20:00.000Z'
    const failedAt = now
    now = later
    expect(rung(ladder.look({ ...well, dht }), 'advertised')).toMatchObject({
      since: failedAt,
      lastOkAt: NOW
    })
    expect(rung(ladder.look(well), 'advertised')).toMatchObject({ since: later })
  })

  it.each(Object.keys(LADDER_WORDS) as LadderCode[])('has a sentence for %s', code => {
    const details = { said: 'Something.', firewall: 'ufw', port: '4001/tcp', count: 1, milliseconds: 1 }
    const { cause } = ladderWords(code, details)
    expect(cause).toMatch(/^[A-Z].*\.$/)
    expect(cause).not.toContain('undefined :')
  })
})

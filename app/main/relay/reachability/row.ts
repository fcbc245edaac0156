import type { FirewallInfo, LadderDetails, RungName, RungState } from '../../../shared/api/ladder.ts'
import type { LadderCode } from '../../../shared/ladder-words.ts'
import { isLoopback, portOf, type LadderFacts, type WayFacts } from './facts.ts'

/** A rung as the facts tell it. */
export interface BareRung {
  rung: RungName
  state: RungState
  code: LadderCode
  details?: LadderDetails
  /** What to do about it, where it is known better than by the code. */
  mend?: string
  /** Where the facts say so. */
  since?: string
}

type Told = Omit<BareRung, 'rung'>

const BELOW: Told = { state: 'waiting', code: 'rung-below' }

/** The six rungs of one way in. */
export function rungsOf(way: WayFacts, facts: LadderFacts): BareRung[] {
  const listening = listeningRung(way)
  const isOpen = listening.state === 'ok'
  const above = (make: () => Told): Told => {
    if (isOpen) return make()
    return listening.code === 'no-family' ? { state: 'off', code: 'no-family' } : BELOW
  }
  const mapped = above(() => mappedRung(way, facts))
  const verified = above(() => verifiedRung(way, mapped, facts))
  const advertised = above(() => advertisedRung(way, verified, facts))
  const reservation = above(() => reservationRung(way, facts))
  const circuit = above(() => circuitRung(way, reservation, facts))
  const all = { listening, mapped, verified, advertised, reservation, circuit }
  return (Object.keys(all) as RungName[]).map(rung => ({ rung, ...all[rung] }))
}

/** Where something is open on this machine; what a name leads to, or the router forwards, is elsewhere. */
function open({ own }: WayFacts): WayFacts['own'] {
  return own.filter(
    ({ state, address }) => state !== 'mapped' && state !== 'given' && /^\/ip[46]\//.test(address)
  )
}

function listeningRung(way: WayFacts): Told {
  const { own, failure, transport } = way
  const [first] = open(way).length > 0 ? open(way) : own
  if (first !== undefined) {
    return {
      state: 'ok',
      code: 'listening',
      details: { port: portOf(first.address) ?? way.port },
      since: first.since
    }
  }
  if (failure?.noSuchFamily === true) return { state: 'off', code: 'no-family' }
  if (failure !== undefined) return { state: 'failed', code: 'cannot-open', details: { said: failure.cause } }
  if (transport === 'wss') return { state: 'waiting', code: 'no-certificate' }
  return { state: 'failed', code: 'not-listening' }
}

const isLoopbackOnly = (way: WayFacts): boolean => way.own.every(({ address }) => isLoopback(address))

function mappedRung(way: WayFacts, facts: LadderFacts): Told {
  const { best, family } = way
  if (isLoopbackOnly(way)) return { state: 'off', code: 'loopback-only' }
  if (best?.state === 'given') return { state: 'off', code: 'given-by-hand' }
  const port = portOnRouter(way, facts)
  if (port !== undefined) return family === 'ip6' ? pinholeRung(port) : portRung(port, facts)
  if (best !== undefined && best.observed !== true) return { state: 'off', code: 'not-needed' }
  if (best?.state === 'verified') return { state: 'off', code: 'forwarded-by-hand' }
  if (family === 'ip6') return { state: 'off', code: 'no-public-ip6' }
  const { mapping } = facts
  if (mapping.state === 'off') return { state: 'off', code: 'mapping-off' }
  if (mapping.state === 'searching') return { state: 'waiting', code: 'asking-router', since: mapping.since }
  if (mapping.state === 'failed') return routerRung(facts)
  return { state: 'unknown', code: 'not-asked' }
}

type MappedPort = LadderFacts['mapping']['ports'][number]

/** Of IPv4 a port is forwarded; of IPv6 the router's firewall lets it in. */
function portOnRouter(way: WayFacts, { mapping }: LadderFacts): MappedPort | undefined {
  const inner = new Set(open(way).map(({ address }) => portOf(address)))
  const ports = way.family === 'ip6' ? mapping.pinholes : mapping.ports
  return ports?.find(({ protocol, internalPort }) => protocol === way.protocol && inner.has(internalPort))
}

function pinholeRung({ state, since, protocol, internalPort, code = '', cause = '' }: MappedPort): Told {
  if (state === 'mapped') return { state: 'ok', code: 'pinhole', details: { port: internalPort }, since }
  const details = { said: cause, why: code, port: `${internalPort}/${protocol}` }
  return { state: 'failed', code: 'pinhole-failed', details, since }
}

function portRung(port: MappedPort, facts: LadderFacts): Told {
  const { state, since, internalPort, externalPort = internalPort, cause = '' } = port
  if (state === 'pending') return { state: 'waiting', code: 'asking-router', since }
  if (state === 'mapped') {
    const code = externalPort === internalPort ? 'mapped' : 'mapped-elsewhere'
    return { state: 'ok', code, details: { port: internalPort, outer: externalPort }, since }
  }
  const { mapping } = facts
  if (mapping.state === 'failed' && port.code === mapping.code) return routerRung(facts)
  return { state: 'failed', code: 'router-failed', details: { said: cause, why: port.code ?? '' }, since }
}

/** What is wrong with the router as a whole; of two of them both are named. */
function routerRung({ mapping, firewalls, addresses, dht }: LadderFacts): Told {
  const { code = '', cause = '', since, gateway } = mapping
  const failed = (word: LadderCode, details: LadderDetails): Told => ({
    ...{ state: 'failed', code: word, details, since }
  })
  const outer = gateway?.externalIp
  if (code === 'private-gateway' && gateway !== undefined && outer !== undefined) {
    if (isCarriers(outer)) return failed('carrier-nat', { router: gateway.address, outer })
    const seen = publicIp4(addresses)
    return failed('two-routers', { router: gateway.address, outer, ...(seen !== undefined && { seen }) })
  }
  // It has no public address, and leads to the Internet all the same.
  if (code === 'no-external-address' && gateway !== undefined && dht.servers > 0) {
    return failed('two-routers-hidden', { router: gateway.address })
  }
  const [firewall] = firewalls
  if (code === 'no-gateway' && firewall !== undefined) {
    return failed('no-gateway-firewall', { firewall: firewall.name })
  }
  return failed('router-failed', { said: cause, why: code })
}

/** Where peers see this node come from: the address of the router in front of all. */
function publicIp4(addresses: LadderFacts['addresses']): string | undefined {
  const other = addresses.find(
    each => each.public && each.state !== 'given' && each.address.startsWith('/ip4/')
  )
  return other?.address.split('/')[2]
}

/** 100.64.0.0/10, of which providers give to many customers at once. */
function isCarriers(ip: string): boolean {
  const [first, second = 0] = ip.split('.').map(Number)
  return first === 100 && second >= 64 && second < 128
}

function verifiedRung(way: WayFacts, mapped: Told, { firewalls }: LadderFacts): Told {
  const { best } = way
  if (best === undefined) {
    const isOff = mapped.state === 'off' || mapped.state === 'unknown'
    return isOff
      ? { state: 'off', code: mapped.code === 'loopback-only' ? 'loopback-only' : 'private-only' }
      : BELOW
  }
  const { state, since, cause = '' } = best
  if (state === 'verified') return { state: 'ok', code: 'verified', details: { said: cause }, since }
  if (state === 'given') return { state: 'unknown', code: 'given', since }
  if (state !== 'unreachable') return { state: 'waiting', code: 'nobody-tried', since }
  // A router that does not forward is to blame before a firewall is.
  if (mapped.state === 'failed')
    return { state: 'failed', code: 'unreachable', details: { said: cause }, since }
  const port = `${portOf(open(way)[0]?.address ?? best.address) ?? way.port}/${way.protocol}`
  const firewall = firewalls.find(each => !letsIn(each, port))
  if (firewall === undefined) return { state: 'failed', code: 'unreachable', details: { said: cause }, since }
  return { state: 'failed', code: 'firewall', details: { firewall: firewall.name, port, said: cause }, since }
}

/** Ports may be a range: `1025-65535/tcp`. */
function letsIn({ allowed }: FirewallInfo, port: string): boolean {
  if (allowed === undefined || allowed === 'program') return allowed === 'program'
  const [wanted, protocol] = port.split('/')
  return allowed.some(each => {
    const [range = '', of] = each.split('/')
    const [first, last = first] = range.split('-').map(Number)
    return of === protocol && Number(wanted) >= (first ?? NaN) && Number(wanted) <= (last ?? NaN)
  })
}

function advertisedRung(way: WayFacts, verified: Told, { dht }: LadderFacts): Told {
  if (verified.code === 'loopback-only') return { state: 'off', code: 'loopback-only' }
  if (!dht.enabled) return { state: 'off', code: 'dht-off' }
  const { best, announced } = way
  const isAnnounced = best === undefined ? announced.length > 0 : announced.includes(best.address)
  if (!isAnnounced) return { state: 'waiting', code: 'not-announced' }
  if (dht.servers > 0) return { state: 'ok', code: 'advertised', details: { servers: dht.servers } }
  return dht.joins > 0 ? { state: 'failed', code: 'dht-nobody' } : { state: 'waiting', code: 'no-network' }
}

function untested(way: WayFacts, { selfTest, mode }: LadderFacts): Told {
  if (way.transport === 'webrtc-direct') return { state: 'unknown', code: 'not-testable' }
  if (mode.mode !== 'open') return { state: 'off', code: 'resting' }
  if (selfTest.state === 'running') return { state: 'waiting', code: 'testing' }
  if (selfTest.state === 'failed') {
    return { state: 'unknown', code: 'test-failed', details: { said: selfTest.cause ?? '' } }
  }
  return { state: 'waiting', code: 'not-tested' }
}

const resultOf = (
  { transport, family }: WayFacts,
  { selfTest }: LadderFacts
): LadderFacts['selfTest']['results'][number] | undefined =>
  selfTest.results.find(each => each.transport === transport && each.family === family)

const STEP_CODES = ['dial-failed', 'other-peer', 'untrusted-certificate', 'refused', 'wrong-echo'] as const

function stepRung(
  step: { ok: true; milliseconds: number } | { ok: false; code: string; cause: string },
  ok: LadderCode,
  since: string | undefined
): Told {
  const at = since === undefined ? {} : { since }
  if (step.ok) return { state: 'ok', code: ok, details: { milliseconds: step.milliseconds }, ...at }
  const code = STEP_CODES.find(each => each === step.code) ?? 'no-answer'
  return { state: 'failed', code, details: { said: step.cause }, ...at }
}

function reservationRung(way: WayFacts, facts: LadderFacts): Told {
  const result = resultOf(way, facts)
  if (result === undefined) return untested(way, facts)
  const inside = result.by === 'inside'
  return stepRung(result.reservation, inside ? 'reserved-inside' : 'reserved', facts.selfTest.at)
}

function circuitRung(way: WayFacts, reservation: Told, facts: LadderFacts): Told {
  const result = resultOf(way, facts)
  if (result === undefined) return untested(way, facts)
  if (reservation.state !== 'ok' || result.circuit === undefined) return BELOW
  return stepRung(result.circuit, 'relayed', facts.selfTest.at)
}

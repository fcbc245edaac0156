import { describe, expect, it } from 'vitest'
import type { MappingInfo } from '../../../app/shared/api.ts'
import { MappingError } from '../../../app/main/relay/mapping/causes.ts'
import { Leases } from '../../../app/main/relay/mapping/leases.ts'
import type { Lease, Mapping, MapRequest, Router } from '../../../app/main/relay/mapping/router.ts'
import { MappingState } from '../../../app/main/relay/mapping/state.ts'

const GATEWAY = { protocol: 'upnp', address: '192.168.1.1', externalIp: '5.6.7.1' } as const
const TCP = { transport: 'tcp', protocol: 'tcp', internalPort: 4001 } as const
const WS = { transport: 'ws', protocol: 'tcp', internalPort: 4002 } as const
const QUIC = { transport: 'quic', protocol: 'udp', internalPort: 4001 } as const
const REFUSED = new MappingError('refused', 'UPnP code 606', 606)

function watchedState(): { state: MappingState; said: MappingInfo[]; at: (ms: number) => void } {
  let now = 0
  const said: MappingInfo[] = []
  const state = new MappingState({ clock: () => now, changed: info => said.push(info) })
  return { state, said, at: ms => (now = ms) }
}

describe('the state of the port mapping', () => {
  it('begins off, and says nothing until something changes', () => {
    const { state, said } = watchedState()
    state.off()
    expect(said).toEqual([])
    expect(state.info).toEqual({ state: 'off', since: '1970-01-01T00:00:00.000Z', ports: [] })
  })

  it('is searching until the first port is forwarded', () => {
    const { state, said, at } = watchedState()
    state.searching()
    at(1000)
    state.forwarding(GATEWAY, [TCP, QUIC])
    at(2000)
    state.mapped(TCP, 4001)
    expect(said.map(info => info.state)).toEqual(['searching', 'searching', 'mapped'])
    expect(state.info).toEqual({
      state: 'mapped',
      since: '1970-01-01T00:00:02.000Z',
      gateway: GATEWAY,
      ports: [
        { ...TCP, state: 'mapped', externalPort: 4001, since: '1970-01-01T00:00:02.000Z' },
        { ...QUIC, state: 'pending', since: '1970-01-01T00:00:01.000Z' }
      ]
    })
  })

  it('says a thing once', () => {
    const { state, said, at } = watchedState()
    state.forwarding(GATEWAY, [TCP])
    state.mapped(TCP, 4001)
    const count = said.length
    at(5000)
    state.mapped(TCP, 4001)
    state.forwarding(GATEWAY, [TCP])
    expect(said).toHaveLength(count)
  })

  it('has failed where every port is refused, and says why', () => {
    const { state } = watchedState()
    state.forwarding(GATEWAY, [TCP, QUIC])
    state.refused(TCP, REFUSED)
    expect(state.info.state).toBe('searching')
    state.refused(QUIC, REFUSED)
    expect(state.info).toMatchObject({ state: 'failed', code: 'refused' })
    expect(state.info.cause).toBe(
      "The router refused to forward TCP port 4001 (UPnP code 606). Allow it in the router's settings, or forward the ports in the router by hand and set announceIp."
    )
  })

  it('is mapped where one port is, and says what is wrong with the other', () => {
    const { state } = watchedState()
    state.forwarding(GATEWAY, [TCP, WS])
    state.mapped(TCP, 4001)
    state.refused(WS, REFUSED)
    expect(state.info).toMatchObject({ state: 'mapped', code: 'refused' })
    expect(state.info.cause).toMatch(/TCP port 4002/)
  })

  it('says which port is forwarded instead of one that is taken', () => {
    const { state } = watchedState()
    state.forwarding(GATEWAY, [TCP])
    state.mapped(TCP, 50_000)
    expect(state.info).toMatchObject({ state: 'mapped', code: 'conflict' })
    expect(state.info.cause).toBe(
      'TCP port 4001 of the router belongs to another device; 50000 is forwarded instead.'
    )
  })

  it('takes no port for forwarded when the router is silent', () => {
    const { state, at } = watchedState()
    state.forwarding(GATEWAY, [TCP])
    state.mapped(TCP, 4001)
    at(9000)
    state.failed('no-answer')
    expect(state.info).toMatchObject({ state: 'failed', code: 'no-answer', gateway: GATEWAY })
    expect(state.info.since).toBe('1970-01-01T00:00:09.000Z')
    expect(state.info.ports).toEqual([
      { ...TCP, state: 'failed', code: 'no-answer', since: '1970-01-01T00:00:09.000Z' }
    ])
  })

  it('remembers that the router was there when it is not found again', () => {
    const { state } = watchedState()
    state.forwarding(GATEWAY, [TCP])
    state.failed('no-answer')
    state.searching()
    state.failed('no-gateway')
    expect(state.info.code).toBe('no-answer')
  })

  it('tells of the IPv6 ports that a router lets in, of one at two addresses the better', () => {
    const { state, said, at } = watchedState()
    const forbidden = new MappingError('pinholes-forbidden', 'UPnP code 703', 703)
    state.pinholes([{ port: TCP, error: forbidden }, { port: TCP }, { port: QUIC, error: REFUSED }])
    at(5000)
    state.pinholes([{ port: TCP }, { port: TCP, error: forbidden }, { port: QUIC, error: REFUSED }])
    expect(said).toHaveLength(1)
    expect(state.info.pinholes).toEqual([
      { ...TCP, state: 'mapped', since: '1970-01-01T00:00:00.000Z' },
      {
        ...{ ...QUIC, state: 'failed', since: '1970-01-01T00:00:00.000Z', code: 'refused' },
        cause:
          'The router refused to let IPv6 in to UDP port 4001 (UPnP code 606). Let UDP port 4001 in to this machine by hand, in the IPv6 firewall of the router.'
      }
    ])
    state.pinholes([{ port: TCP, error: forbidden }])
    expect(state.info.pinholes?.[0]).toMatchObject({ state: 'failed', since: '1970-01-01T00:00:05.000Z' })
    expect(state.info.pinholes?.[0]?.cause).toMatch(/^The router's IPv6 firewall is on, and lets no program/)
    state.off()
    expect(state.info.pinholes).toBeUndefined()
  })

  it('holds no address in what is said of it', () => {
    const { state } = watchedState()
    for (const code of [
      'no-gateway',
      'no-answer',
      'no-external-address',
      'private-gateway',
      'nat-pmp-refused'
    ] as const) {
      state.failed(code, GATEWAY)
      expect(state.info.cause).not.toMatch(/\d+\.\d+\.\d+\.\d+/)
    }
  })
})

/** A router of a test's own: what it was asked, and what it forwards. */
class TestRouter implements Router {
  readonly protocol = 'upnp'
  readonly address = '192.168.1.1'
  readonly localAddress = '192.168.1.2'
  readonly asked: string[] = []
  readonly forwarded = new Map<string, Mapping>()
  others = new Set<number>()
  fault: MappingError | undefined
  knows = true

  async externalIp(): Promise<string> {
    return '5.6.7.1'
  }

  async map({ protocol, internalPort, externalPort, leaseSeconds, notPorts }: MapRequest): Promise<Lease> {
    this.asked.push(`map ${protocol} ${internalPort} at ${externalPort} but ${notPorts.join()}`)
    if (this.fault !== undefined) throw this.fault
    let free = externalPort
    while (this.others.has(free) || notPorts.includes(free)) free++
    this.forwarded.set(`${protocol} ${free}`, { protocol, internalPort, externalPort: free })
    return { externalPort: free, seconds: leaseSeconds }
  }

  async holds({ protocol, externalPort }: Mapping): Promise<boolean | undefined> {
    return this.knows ? this.forwarded.has(`${protocol} ${externalPort}`) : undefined
  }

  async unmap({ protocol, externalPort }: Mapping): Promise<void> {
    if (this.fault !== undefined) throw this.fault
    this.forwarded.delete(`${protocol} ${externalPort}`)
  }
}

function leasesOfAnHour(): { leases: Leases; router: TestRouter; pass: (seconds: number) => void } {
  let now = 0
  const leases = new Leases({ clock: () => now }, { leaseSeconds: 3600, requestSeconds: 5 })
  return { leases, router: new TestRouter(), pass: seconds => (now += seconds * 1000) }
}

const signal = new AbortController().signal

describe('leases of forwarded ports', () => {
  it('are left alone while the router holds them, and renewed in their second half', async () => {
    const { leases, router, pass } = leasesOfAnHour()
    await leases.map(router, TCP, signal)
    pass(1799)
    await leases.keep(router, TCP, signal)
    expect(router.asked).toHaveLength(1)
    pass(1)
    await leases.keep(router, TCP, signal)
    expect(router.asked).toHaveLength(2)
  })

  it('are asked for anew where the router has lost them', async () => {
    const { leases, router } = leasesOfAnHour()
    await leases.map(router, TCP, signal)
    router.forwarded.clear()
    await leases.keep(router, TCP, signal)
    expect([...router.forwarded.keys()]).toEqual(['tcp 4001'])
  })

  it('are renewed each time where the router cannot be asked', async () => {
    const { leases, router } = leasesOfAnHour()
    router.knows = false
    for (let i = 0; i < 3; i++) await leases.keep(router, TCP, signal)
    expect(router.asked).toHaveLength(3)
  })

  it('are asked for at the external port they had', async () => {
    const { leases, router } = leasesOfAnHour()
    router.others.add(4001)
    await leases.map(router, TCP, signal)
    router.others.clear()
    router.forwarded.clear()
    expect((await leases.keep(router, TCP, signal)).externalPort).toBe(4002)
  })

  it('never take the external port of one another', async () => {
    const { leases, router } = leasesOfAnHour()
    router.others.add(4001)
    await leases.map(router, TCP, signal)
    const ws = await leases.map(router, WS, signal)
    expect(ws.externalPort).toBe(4003)
    expect((await leases.map(router, { protocol: 'udp', internalPort: 4002 }, signal)).externalPort).toBe(
      4002
    )
  })

  it('are given back, but those that are still wanted', async () => {
    const { leases, router } = leasesOfAnHour()
    for (const port of [TCP, WS, QUIC]) await leases.map(router, port, signal)
    await leases.giveBack(signal, [WS])
    expect([...router.forwarded.keys()]).toEqual(['tcp 4002'])
    await leases.giveBack(signal)
    expect(router.forwarded.size).toBe(0)
  })

  it('are given back as far as the router lets us', async () => {
    const { leases, router } = leasesOfAnHour()
    await leases.map(router, TCP, signal)
    router.fault = REFUSED
    await expect(leases.giveBack(signal)).resolves.toBeUndefined()
  })

  it('of another router are asked for anew', async () => {
    const { leases, router } = leasesOfAnHour()
    await leases.map(router, TCP, signal)
    const other = new TestRouter()
    await leases.keep(other, TCP, signal)
    expect([...other.forwarded.keys()]).toEqual(['tcp 4001'])
  })

  it('refused are told with the reason of the router, and whatever else goes wrong as its silence', async () => {
    const { leases, router } = leasesOfAnHour()
    router.fault = REFUSED
    await expect(leases.map(router, TCP, signal)).rejects.toBe(REFUSED)
    router.map = async () => {
      throw new Error('socket hang up')
    }
    await expect(leases.map(router, TCP, signal)).rejects.toMatchObject({ code: 'no-answer' })
  })
})

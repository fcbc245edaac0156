import { afterEach, describe, expect, it } from 'vitest'
import { igdAt } from '../../app/main/relay/mapping/igd.ts'
import { Leases } from '../../app/main/relay/mapping/leases.ts'
import { PINHOLE_SERVICE, PinholeService } from '../../app/main/relay/mapping/pinhole-service.ts'
import { Pinholes, type WantedPinhole } from '../../app/main/relay/mapping/pinholes.ts'
import type { Router } from '../../app/main/relay/mapping/router.ts'
import { startOddIgd, type IgdOptions } from '../support/odd-igd.ts'

/** What routers answer, and what we make of it: a router of the test's own on this machine. */

const HERE = '127.0.0.1'
const TCP = { protocol: 'tcp', internalPort: 4001 } as const
const signal = AbortSignal.timeout(60_000)
const closes: (() => void)[] = []
afterEach(() => closes.splice(0).forEach(close => close()))

interface Asked {
  router: Router
  leases: Leases
  actions: string[]
  pass: (seconds: number) => void
}

async function routerThat(options: Partial<IgdOptions> = {}, requestSeconds = 5): Promise<Asked> {
  const actions: string[] = []
  const { location, close } = await startOddIgd(
    { address: HERE, externalIp: '5.6.7.1', ...options },
    ({ action, body }) => actions.push(`${action} ${/<NewExternalPort>(\d+)/.exec(body)?.[1] ?? ''}`.trim())
  )
  closes.push(close)
  // Other ports are chosen by chance: here 49152, 49153, …
  let chance = 0
  const router = await igdAt(location, { localAddress: HERE, random: () => chance++ / 16_384 }, signal)
  if (router === undefined) throw new Error('it describes no router')
  let now = 0
  const leases = new Leases({ clock: () => now }, { leaseSeconds: 3600, requestSeconds })
  return { router, leases, actions, pass: seconds => (now += seconds * 1000) }
}

describe('a port that another device has', () => {
  it.each([718, 729])(
    'is forwarded at another one, which is kept from then on (code %i)',
    async takenCode => {
      const { router, leases, actions } = await routerThat({ taken: [4001, 49_152], takenCode })

      expect(await leases.map(router, TCP, signal)).toEqual({ ...TCP, externalPort: 49_153 })
      expect((await leases.keep(router, TCP, signal)).externalPort).toBe(49_153)

      const added = actions.filter(action => action.startsWith('AddPortMapping'))
      expect(added).toEqual(['AddPortMapping 4001', 'AddPortMapping 49152', 'AddPortMapping 49153'])
      await leases.giveBack(signal)
      expect(actions.at(-1)).toBe('DeletePortMapping 49153')
    }
  )

  it('is given up where none of six can be had', async () => {
    const { router, leases, actions } = await routerThat({ faults: { AddPortMapping: 718 } })
    await expect(leases.map(router, TCP, signal)).rejects.toMatchObject({
      code: 'conflict',
      gatewayCode: 718
    })
    expect(actions).toHaveLength(6)
  })

  it('is not tried at others where the router forwards equal ports only', async () => {
    const { router, leases, actions } = await routerThat({ faults: { AddPortMapping: 724 } })
    await expect(leases.map(router, TCP, signal)).rejects.toMatchObject({
      code: 'conflict',
      gatewayCode: 724
    })
    expect(actions).toEqual(['AddPortMapping 4001'])
  })
})

describe('a router', () => {
  it.each([402, 501, 606, 716, 726, 727, 728, 732])(
    'that answers %i has refused, with its code',
    async code => {
      const { router, leases } = await routerThat({ faults: { AddPortMapping: code } })
      await expect(leases.map(router, TCP, signal)).rejects.toMatchObject({
        ...{ code: 'refused', gatewayCode: code },
        message: `UPnP code ${code}, NoWay`
      })
    }
  )

  it.each<{ what: string; odd: [number, string]; message: string }>([
    { what: 'a page that asks for a password', odd: [401, '<html>'], message: 'HTTP status 401' },
    { what: 'an error without a word', odd: [500, ''], message: 'HTTP status 500' }
  ])('that answers with $what has refused', async ({ odd, message }) => {
    const { router, leases } = await routerThat({ odd })
    await expect(leases.map(router, TCP, signal)).rejects.toMatchObject({ code: 'refused', message })
  })

  it.each([
    { what: 'no address', externalIp: '' },
    { what: 'the address of nobody', externalIp: '0.0.0.0' },
    { what: 'a name', externalIp: 'router.local' }
  ])('that has $what outside is told as that', async ({ externalIp }) => {
    const { router, leases } = await routerThat({ externalIp })
    await expect(leases.externalIp(router, signal)).rejects.toMatchObject({ code: 'no-external-address' })
  })

  it('that does not say its address is told as one without', async () => {
    const { router, leases } = await routerThat({ faults: { GetExternalIPAddress: 501 } })
    await expect(leases.externalIp(router, signal)).rejects.toMatchObject({ code: 'no-external-address' })
  })

  it('that is silent, gone, or says too much has not answered', async () => {
    const slow = await routerThat({ delayMs: 60_000 }, 0.1)
    const endless = await routerThat({ odd: [200, 'x'.repeat(300_000)] })
    const gone = await routerThat()
    closes.pop()?.()
    for (const { router, leases } of [slow, endless, gone]) {
      await expect(leases.map(router, TCP, signal)).rejects.toMatchObject({ code: 'no-answer' })
    }
  })

  it('that has lost a port, or given it to another, is asked anew; one that cannot tell too', async () => {
    const { router, leases, actions } = await routerThat()
    await leases.map(router, TCP, signal)
    await leases.keep(router, TCP, signal)
    expect(actions.filter(action => action.startsWith('Add'))).toHaveLength(1)
    await router.unmap({ ...TCP, externalPort: 4001 }, signal)
    await leases.keep(router, TCP, signal)
    expect(actions.filter(action => action.startsWith('Add'))).toHaveLength(2)

    const silent = await routerThat({ faults: { GetSpecificPortMappingEntry: 501 } })
    for (let i = 0; i < 3; i++) await silent.leases.keep(silent.router, TCP, signal)
    expect(silent.actions.filter(action => action.startsWith('Add'))).toHaveLength(3)
  })
})

describe('the IPv6 firewall of a router', () => {
  const port: WantedPinhole = { transport: 'tcp', ...TCP, ip: '2606:4700::2' }
  const pinholesAt = async (
    options: Partial<IgdOptions>
  ): Promise<Asked & { pinholes: Pinholes; with: Router; pass: (seconds: number) => void }> => {
    const asked = await routerThat({ pinholes: true, ...options })
    let now = 0
    const times = { leaseSeconds: 3600, requestSeconds: 5, stopSeconds: 1 }
    const pinholes = new Pinholes({ clock: () => now }, times)
    return { ...asked, pinholes, with: asked.router, pass: seconds => (now += seconds * 1000) }
  }

  it('is opened once, again when half of its time is over, and closed at the end', async () => {
    const { pinholes, router, actions, pass } = await pinholesAt({})
    expect(await pinholes.keep(router, [port], signal)).toEqual([{ port }])
    await pinholes.keep(router, [port], signal)
    expect(actions).toEqual(['AddPinhole', 'GetPinholePackets'])
    pass(1800)
    await pinholes.keep(router, [port], signal)
    await pinholes.giveBack(signal)
    expect(actions.slice(2)).toEqual(['AddPinhole', 'DeletePinhole'])
  })

  it('is opened again where the router has forgotten', async () => {
    const { pinholes, router, actions } = await pinholesAt({ faults: { GetPinholePackets: 704 } })
    for (let i = 0; i < 2; i++) await pinholes.keep(router, [port], signal)
    expect(actions).toEqual(['AddPinhole', 'GetPinholePackets', 'AddPinhole'])
  })

  it.each([
    { fault: 703, code: 'pinholes-forbidden' },
    { fault: 606, code: 'refused' },
    { fault: 701, code: 'refused' }
  ])('is closed, with the reason of the router: $fault', async ({ fault, code }) => {
    const { pinholes, router } = await pinholesAt({ faults: { AddPinhole: fault } })
    const [outcome] = (await pinholes.keep(router, [port], signal)) ?? []
    expect(outcome?.error).toMatchObject({ code, gatewayCode: fault })
  })

  it('is not there where it is off, or the router knows of none', async () => {
    const off = await pinholesAt({ faults: { AddPinhole: 702 } })
    expect(await off.pinholes.keep(off.router, [port], signal)).toBeUndefined()
    const none = await pinholesAt({ pinholes: false })
    expect(await none.pinholes.keep(none.router, [port], signal)).toBeUndefined()
    expect(none.actions).toEqual([])
  })

  it('is asked over IPv4 where nobody answers by IPv6', async () => {
    const { location, close } = await startOddIgd(
      { address: HERE, externalIp: '5.6.7.1', pinholes: true },
      () => {}
    )
    closes.push(close)
    const service = new PinholeService(
      { type: PINHOLE_SERVICE, control: new URL('/control', location) },
      { localAddress: HERE, gateway6: async () => '::1' }
    )
    const request = { protocol: 'tcp', ip: '::1', port: 4001, leaseSeconds: 60 } as const
    expect(await service.open(request, signal)).toBe(7)
  })
})

import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { batteryReader, meteredReader } from '../../app/main/power/linux.ts'
import type { Run } from '../../app/main/power/run-program.ts'
import { SystemBus } from '../../app/main/power/system-bus.ts'
import { Variant } from '../e2e/support/dbus-values.ts'
import { Bus } from '../e2e/support/dbus.ts'
import { findProgram, missing } from '../support/needs.ts'

const daemon = findProgram('dbus-daemon')
const clients = ['busctl', 'gdbus'].filter(name => findProgram(name) !== undefined)

/** By the interface that has it. */
type Properties = Record<string, Record<string, Variant>>

describe.skipIf(missing('dbus-daemon', daemon !== undefined))('on a real bus', () => {
  let dir: string
  let address: string
  let child: ChildProcess
  const services: Bus[] = []

  beforeEach(async () => {
    dir = mkdtempSync(path.join(tmpdir(), 'waystation-bus-'))
    address = `unix:path=${path.join(dir, 'bus')}`
    child = spawn(daemon!, ['--session', '--nofork', '--print-address', `--address=${address}`], {
      stdio: ['ignore', 'pipe', 'ignore']
    })
    await once(child.stdout!, 'data')
  })
  afterEach(async () => {
    for (const service of services.splice(0)) service.close()
    child.kill()
    await once(child, 'exit')
    rmSync(dir, { recursive: true })
  })

  /** A service that has these properties and nothing else. */
  async function serve(name: string, properties: Properties): Promise<void> {
    const service = await Bus.connect(path.join(dir, 'bus'), ({ member, body }) => {
      const value = properties[String(body[0])]?.[String(body[1])]
      return member === 'Get' && value !== undefined ? { signature: 'v', body: [value] } : undefined
    })
    await service.own(name)
    services.push(service)
  }

  /** Asked by that client alone. */
  const busBy = (client: string): SystemBus => {
    const run: Run = (program, args) =>
      new Promise(resolve => {
        if (program !== client) return resolve('absent')
        const env = { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: address }
        execFile(program, args, { env, encoding: 'utf8' }, (error, stdout) =>
          resolve(error === null ? { stdout } : 'failed')
        )
      })
    return new SystemBus({ run, isThere: () => true })
  }

  it('there is a client to ask with', () => {
    expect(clients).not.toEqual([])
  })

  it.each(clients)('NetworkManager tells %s whether the connection is metered', async client => {
    const bus = busBy(client)
    expect(await meteredReader(bus).read(new Set(['metered']))).toEqual({})
    const name = 'org.freedesktop.NetworkManager'
    const properties = { [name]: { Metered: new Variant('u', 3) } }
    await serve(name, properties)
    expect(await meteredReader(bus).read(new Set(['metered']))).toEqual({ metered: true })
    properties[name].Metered = new Variant('u', 2)
    expect(await meteredReader(bus).read(new Set(['metered']))).toEqual({ metered: false })
  })

  it.each(clients)('UPower tells %s of a UPS', async client => {
    const reader = batteryReader({ bus: busBy(client), supplies: async () => ({}) })
    const all = new Set(['onBattery', 'batteryPercent'] as const)
    expect(await reader.read(all)).toEqual({ onBattery: false })
    await serve('org.freedesktop.UPower', {
      'org.freedesktop.UPower': { OnBattery: new Variant('b', true) },
      'org.freedesktop.UPower.Device': {
        IsPresent: new Variant('b', true),
        Percentage: new Variant('d', 63.6)
      }
    })
    expect(await reader.read(all)).toEqual({ onBattery: true, batteryPercent: 64 })
  })
})

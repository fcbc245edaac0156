import type { Run } from './run-program.ts'

/** A property of a service on the system bus. */
export interface BusProperty {
  service: string
  path: string
  interface: string
  name: string
}

const BUS = 'org.freedesktop.DBus'
const BUS_PATH = '/org/freedesktop/DBus'

/**
 * Reads properties on the system bus of D-Bus with one of its command line clients. A service that does not run is
 * not started for that. Undefined: there is no bus, no client, no such service, or it is of another type.
 */
export class SystemBus {
  readonly #run: Run
  readonly #isThere: () => boolean
  #hasBusctl = true

  constructor({ run, isThere }: { run: Run; isThere: () => boolean }) {
    this.#run = run
    this.#isThere = isThere
  }

  async number(property: BusProperty): Promise<number | undefined> {
    const value = await this.#read(property)
    return value === undefined || !Number.isFinite(Number(value)) ? undefined : Number(value)
  }

  async boolean(property: BusProperty): Promise<boolean | undefined> {
    const value = await this.#read(property)
    return value === 'true' ? true : value === 'false' ? false : undefined
  }

  async #read(property: BusProperty): Promise<string | undefined> {
    if (!this.#isThere()) return undefined
    if (this.#hasBusctl) {
      const ran = await this.#run('busctl', busctl(property))
      // `u 4`
      if (typeof ran !== 'string') return /^[a-z] (\S+)\s*$/.exec(ran.stdout)?.[1]
      if (ran === 'failed') return undefined
      this.#hasBusctl = false
    }
    return this.#readByGdbus(property)
  }

  /** It would start a service that does not run, so the bus is asked first. */
  async #readByGdbus({ service, path, interface: of, name }: BusProperty): Promise<string | undefined> {
    const owned = await this.#run('gdbus', gdbus(BUS, BUS_PATH, `${BUS}.NameHasOwner`, service))
    if (typeof owned === 'string' || !owned.stdout.includes('true')) return undefined
    const ran = await this.#run('gdbus', gdbus(service, path, `${BUS}.Properties.Get`, of, name))
    // `(<uint32 4>,)`
    return typeof ran === 'string' ? undefined : /^\(<(?:\w+ )?([^<>'"]+)>,\)\s*$/.exec(ran.stdout)?.[1]
  }
}

function busctl({ service, path, interface: of, name }: BusProperty): string[] {
  return ['--system', '--auto-start=no', '--timeout=2', 'get-property', service, path, of, name]
}

function gdbus(to: string, at: string, method: string, ...args: string[]): string[] {
  const target = ['--dest', to, '--object-path', at, '--method', method]
  return ['call', '--system', '--timeout', '2', ...target, ...args]
}

import type { MappedPort, MappingInfo } from '../../../shared/api.ts'
import { CAUSES, otherPortCause, pinholeCause, portCause } from './causes.ts'
import type { MappingError, RouterCode } from './causes.ts'

/** A port that is listened on, to be forwarded. */
export type WantedPort = Pick<MappedPort, 'transport' | 'protocol' | 'internalPort'>

/** What became of an IPv6 port that the router was asked to let in. */
export interface PinholeOutcome {
  port: WantedPort
  error?: MappingError
}

type Phase = { kind: 'off' | 'searching' | 'forwarding' } | { kind: 'failed'; code: RouterCode }

type Gateway = NonNullable<MappingInfo['gateway']>
type Port = Omit<MappedPort, 'since'> & { since: number }

export interface MappingStateComponents {
  /** Milliseconds of the wall clock. */
  clock: () => number
  changed: (info: MappingInfo) => void
}

/** What is known of the port mapping, as people see it. It says only when something has changed. */
export class MappingState {
  readonly #components: MappingStateComponents
  #phase: Phase = { kind: 'off' }
  #gateway: Gateway | undefined
  #ports: Port[] = []
  #pinholes: Port[] | undefined
  /** Since when the state and its code are what they are. */
  #since: number
  #said: string

  constructor(components: MappingStateComponents) {
    this.#components = components
    this.#since = components.clock()
    this.#said = this.#summary()
  }

  get info(): MappingInfo {
    return {
      ...this.#outcome(),
      since: rfc3339(this.#since),
      ...(this.#gateway !== undefined && { gateway: { ...this.#gateway } }),
      ports: this.#ports.map(told),
      ...(this.#pinholes !== undefined && { pinholes: this.#pinholes.map(told) })
    }
  }

  off(): void {
    this.#pinholes = undefined
    this.#set({ kind: 'off' }, undefined, [])
  }

  /** Looks for a router. A failure stays visible until there is something new to say. */
  searching(): void {
    if (this.#phase.kind !== 'failed') this.#set({ kind: 'searching' }, this.#gateway, this.#ports)
  }

  /** Nothing is forwarded, or nobody knows whether it is. */
  failed(code: RouterCode, gateway = this.#gateway): void {
    // That it answers no more says more than that it is not found again.
    const known = code === 'no-gateway' && this.#code === 'no-answer' ? 'no-answer' : code
    const ports = this.#ports.map(port => portAs(port, 'failed', this.#components.clock(), { code: known }))
    this.#set({ kind: 'failed', code: known }, gateway, ports)
  }

  /** A router is found; each of those ports is yet to be forwarded, unless it is already. */
  forwarding(gateway: Gateway, wanted: readonly WantedPort[]): void {
    const ports = wanted.map(({ transport, protocol, internalPort }): Port => {
      const known = this.#ports.find(port => isSame(port, { protocol, internalPort }))
      if (known?.state === 'mapped') return known
      return { transport, protocol, internalPort, state: 'pending', since: this.#components.clock() }
    })
    this.#set({ kind: 'forwarding' }, gateway, ports)
  }

  mapped(wanted: Pick<WantedPort, 'protocol' | 'internalPort'>, externalPort: number): void {
    const other =
      externalPort === wanted.internalPort
        ? {}
        : { code: 'conflict', cause: otherPortCause(wanted, externalPort) }
    this.#setPort(wanted, port =>
      portAs(port, 'mapped', this.#components.clock(), { externalPort, ...other })
    )
  }

  refused(wanted: Pick<WantedPort, 'protocol' | 'internalPort'>, error: MappingError): void {
    const said = { code: error.code, cause: portCause(wanted, error) }
    this.#setPort(wanted, port => portAs(port, 'failed', this.#components.clock(), said))
  }

  /** What became of the IPv6 ports: of one at several addresses, the best. */
  pinholes(outcomes: readonly PinholeOutcome[] | undefined): void {
    const best = new Map<string, Port>()
    for (const { port, error } of outcomes ?? []) {
      const key = `${port.protocol}-${port.internalPort}`
      if (best.get(key)?.state === 'mapped') continue
      const known = this.#pinholes?.find(each => isSame(each, port))
      const { transport, protocol, internalPort } = port
      const before = known ?? { transport, protocol, internalPort, state: 'pending' as const, since: 0 }
      const said = error === undefined ? {} : { code: error.code, cause: pinholeCause(port, error) }
      best.set(key, portAs(before, error === undefined ? 'mapped' : 'failed', this.#components.clock(), said))
    }
    this.#pinholes = outcomes === undefined ? undefined : [...best.values()]
    this.#tell()
  }

  get #code(): string | undefined {
    return this.#outcome().code
  }

  #outcome(): Pick<MappingInfo, 'state' | 'code' | 'cause'> {
    const phase = this.#phase
    if (phase.kind === 'failed') return { state: 'failed', code: phase.code, cause: CAUSES[phase.code] }
    if (phase.kind !== 'forwarding') return { state: phase.kind }
    const troubled =
      this.#ports.find(({ state }) => state === 'failed') ?? this.#ports.find(({ code }) => code)
    const said = troubled?.code === undefined ? {} : { code: troubled.code, cause: troubled.cause }
    if (this.#ports.some(({ state }) => state === 'mapped')) return { state: 'mapped', ...said }
    if (this.#ports.some(({ state }) => state === 'pending')) return { state: 'searching' }
    return { state: 'failed', ...said }
  }

  #setPort(wanted: Pick<WantedPort, 'protocol' | 'internalPort'>, change: (port: Port) => Port): void {
    const ports = this.#ports.map(port => (isSame(port, wanted) ? change(port) : port))
    this.#set(this.#phase, this.#gateway, ports)
  }

  #set(phase: Phase, gateway: Gateway | undefined, ports: Port[]): void {
    const before = this.#outcome()
    this.#phase = phase
    this.#gateway = gateway
    this.#ports = ports
    const after = this.#outcome()
    if (before.state !== after.state || before.code !== after.code) this.#since = this.#components.clock()
    this.#tell()
  }

  #tell(): void {
    const summary = this.#summary()
    if (summary === this.#said) return
    this.#said = summary
    this.#components.changed(this.info)
  }

  #summary(): string {
    return JSON.stringify(this.info)
  }
}

/** The port in that state; since now, unless it was in it already. */
function portAs(
  { transport, protocol, internalPort, ...before }: Port,
  state: Port['state'],
  now: number,
  said: Pick<Port, 'code' | 'cause' | 'externalPort'>
): Port {
  const isNew =
    before.state !== state || before.code !== said.code || before.externalPort !== said.externalPort
  return { transport, protocol, internalPort, state, ...said, since: isNew ? now : before.since }
}

function isSame(
  port: Pick<WantedPort, 'protocol' | 'internalPort'>,
  other: Pick<WantedPort, 'protocol' | 'internalPort'>
): boolean {
  return port.protocol === other.protocol && port.internalPort === other.internalPort
}

function told(port: Port): MappedPort {
  return { ...port, since: rfc3339(port.since) }
}

const rfc3339 = (milliseconds: number): string => new Date(milliseconds).toISOString()

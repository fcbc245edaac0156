import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import type { AddressInfo, AddressState } from '../../../shared/api.ts'
import { ipNetwork, isPublicIp } from '../../net/ip.ts'
import { ipOfAddress, isPublicAddress, transportOf } from '../addresses.ts'
import type { Outcome, Question, Version } from './autonat.ts'
import { Evidence } from './evidence.ts'

/**
 * Every address of the node, with its state and what peers said of it. Pure: it knows no network, and time is
 * passed in.
 */

/**
 * Where an address is known from: the settings, a socket, the router, or peers that saw us there (`observed`), of
 * which nothing is said until it was tried.
 */
export type Origin = 'given' | 'listening' | 'mapped' | 'observed'

export interface Known {
  /** Without the node's own /p2p/ID. */
  address: Multiaddr
  origin: Origin
  /** To be asked about in its place: its IP address where it goes by a name. */
  ask?: Multiaddr | undefined
}

/** One address to ask one peer about. */
export interface Inquiry extends Question {
  /** To be called once. */
  answer: (via: Version, outcome: Outcome) => void
}

/** How long a verdict stands before it is looked at again. */
const RECHECK_MS = { reachable: 10 * 60_000, unreachable: 5 * 60_000 }
/** A network that was asked about an address is not asked again before. */
const ASK_AGAIN_MS = 5 * 60_000
/** Networks asked about one address in that time: more of those that refuse will not help. */
const MOST_ASKED = 24
/** Asked side by side, while nothing is known yet. */
const AT_ONCE = 3

interface Entry extends Known {
  readonly text: string
  readonly evidence: Evidence
  /** When each network was asked last. */
  readonly asked: Map<string, number>
  asking: number
  /** Not before. */
  dueMs: number
  state: AddressState | undefined
  since: Date
}

export interface BookComponents {
  clock: BookClock
  /** Called at each change of state, and for each new address. */
  changed: (info: AddressInfo) => void
}

export interface BookClock {
  /** Milliseconds, monotonic. */
  now(): number
  date(): Date
}

export class AddressBook {
  readonly #components: BookComponents
  readonly #suffix: string
  readonly #entries = new Map<string, Entry>()

  /** `peerId` completes the addresses. */
  constructor(components: BookComponents, { peerId }: { peerId: string }) {
    this.#components = components
    this.#suffix = `/p2p/${peerId}`
  }

  /** All addresses there are now. Of one that is known twice the first counts; who is missing is forgotten. */
  update(known: readonly Known[]): void {
    const now = new Map<string, Known>()
    for (const one of known) if (!now.has(one.address.toString())) now.set(one.address.toString(), one)
    for (const text of this.#entries.keys()) if (!now.has(text)) this.#entries.delete(text)
    for (const [text, one] of now) {
      const { origin } = one
      const entry = this.#entries.get(text)
      // What was said of an address that peers told us of does not do for one that we claim to have, nor back.
      const isSame = entry !== undefined && (entry.origin === 'observed') === (origin === 'observed')
      const kept = isSame ? entry : this.#add(text, one)
      kept.origin = origin
      this.#settle(kept)
    }
  }

  /** What to ask this peer, by its IP address, if there is anything; it counts as asked from now on. */
  next(ip: string): Inquiry | undefined {
    const now = this.#components.clock.now()
    const network = ipNetwork(ip)
    for (const entry of this.#entries.values()) {
      if (!isToProve(entry) || entry.dueMs > now) continue
      if (entry.asking >= (entry.evidence.verdict === 'unknown' ? AT_ONCE : 1)) continue
      if (!canTry(asked(entry), ip)) continue
      for (const [other, atMs] of entry.asked) if (now - atMs >= ASK_AGAIN_MS) entry.asked.delete(other)
      if (entry.asked.has(network) || entry.asked.size >= MOST_ASKED) continue
      entry.asked.set(network, now)
      entry.asking++
      return {
        address: asked(entry),
        pay: entry.origin !== 'observed',
        answer: (via, outcome) => this.#answered(entry, network, via, outcome)
      }
    }
    return undefined
  }

  /**
   * All public addresses, to ask a chosen peer about at once, also those that are given. What it says counts as if it had
   * been asked in its turn, where it is in a place to know.
   */
  inquiries(ip: string): (Inquiry & { text: string })[] {
    const network = ipNetwork(ip)
    const fit = [...this.#entries.values()].filter(
      entry => isPublicAddress(entry.address) && ipOfAddress(asked(entry)) !== undefined
    )
    return fit.map(entry => ({
      text: entry.text + this.#suffix,
      address: asked(entry),
      pay: entry.origin !== 'observed',
      answer: (via, outcome) => {
        if (!isToProve(entry) || !isPublicIp(ip) || !canTry(asked(entry), ip)) return
        entry.asking++
        this.#answered(entry, network, via, outcome)
      }
    }))
  }

  #answered(entry: Entry, network: string, via: Version, outcome: Outcome): void {
    entry.asking--
    // It may have been forgotten meanwhile.
    if (outcome === 'none' || this.#entries.get(entry.text) !== entry) return
    const now = this.#components.clock.now()
    const { evidence } = entry
    evidence.add(network, via, outcome, now)
    if (evidence.verdict !== 'unknown' && !evidence.isDoubtful) {
      entry.dueMs = now + RECHECK_MS[evidence.verdict]
      entry.asked.clear()
    }
    this.#settle(entry)
  }

  /** What was found out may be so no more: all is asked about anew, and stands until then. */
  doubt(): void {
    for (const entry of this.#entries.values()) entry.dueMs = 0
  }

  /** Whether anything is to be asked at all. */
  get isAsking(): boolean {
    const now = this.#components.clock.now()
    return [...this.#entries.values()].some(entry => isToProve(entry) && entry.dueMs <= now)
  }

  /** Reached from outside, and so fit to be announced. */
  verified(): Multiaddr[] {
    return [...this.#entries.values()]
      .filter(({ state }) => state === 'verified')
      .map(({ address }) => address)
  }

  /** Public ones first. */
  states(): AddressInfo[] {
    const infos = [...this.#entries.values()].flatMap(entry => this.#info(entry) ?? [])
    return [...infos.filter(info => info.public), ...infos.filter(info => !info.public)]
  }

  #add(text: string, { address, origin, ask }: Known): Entry {
    const evidence = new Evidence({ observed: origin === 'observed' })
    const since = this.#components.clock.date()
    const entry = {
      ...{ text, address, origin, ask, evidence, since },
      ...{ asked: new Map(), asking: 0, dueMs: 0, state: undefined }
    }
    this.#entries.set(text, entry)
    return entry
  }

  #settle(entry: Entry): void {
    const state = stateOf(entry)
    if (state === entry.state) return
    entry.state = state
    entry.since = this.#components.clock.date()
    const info = this.#info(entry)
    if (info !== undefined) this.#components.changed(info)
  }

  #info(entry: Entry): AddressInfo | undefined {
    const { text, address, state, since } = entry
    if (state === undefined) return undefined
    const cause = causeOf(entry)
    return {
      address: text + this.#suffix,
      transport: transportOf(address),
      public: isPublicAddress(address),
      state,
      since: since.toISOString(),
      ...(entry.origin === 'observed' && { observed: true as const }),
      ...(cause !== undefined && { cause })
    }
  }
}

function isToProve(one: Known): boolean {
  return one.origin !== 'given' && isPublicAddress(one.address) && ipOfAddress(asked(one)) !== undefined
}

function asked({ address, ask = address }: Known): Multiaddr {
  return ask
}

/**
 * Only from another place: who shares our address is behind the same router. And only over the same family: a
 * peer without IPv6 would call every IPv6 address unreachable.
 */
function canTry(address: Multiaddr, witness: string): boolean {
  const ip = ipOfAddress(address) ?? ''
  return ip !== witness && ip.includes(':') === witness.includes(':')
}

function stateOf({ address, origin, evidence }: Entry): AddressState | undefined {
  if (origin === 'given') return 'given'
  const isSilent = evidence.verdict === 'unknown' || !isPublicAddress(address)
  if (!isSilent) return evidence.verdict === 'reachable' ? 'verified' : 'unreachable'
  return origin === 'observed' ? undefined : origin
}

function causeOf(entry: Entry): string | undefined {
  if (entry.origin === 'given')
    return 'Given by the settings announce, announceIp or announceHost, and not checked.'
  return isToProve(entry) ? entry.evidence.cause(portOf(entry.address)) : undefined
}

/** `TCP port 4001` */
function portOf(address: Multiaddr): string {
  const part = address.getComponents().find(({ name }) => name === 'tcp' || name === 'udp')
  return `${part?.name.toUpperCase() ?? ''} port ${part?.value ?? ''}`.trim()
}

/** The same address without a peer's id at its end. */
export function withoutPeerId(address: Multiaddr): Multiaddr {
  const components = address.getComponents()
  return components.at(-1)?.name === 'p2p' ? multiaddr(components.slice(0, -1)) : address
}

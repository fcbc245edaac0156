import type { CID } from 'multiformats/cid'
import type { NamespaceInfo } from '../../../shared/api/networks.ts'
import type { Timing } from '../budget/shaper.ts'
import { cidOf } from './namespace.ts'

export interface AdvertisingComponents {
  /** Keeps the record of this node in its own part of the DHT, for those who ask it. */
  keep(cid: CID): Promise<void>
  /** Takes that back; what others keep runs out by itself. */
  drop(cid: CID): Promise<void>
  /** Gives the record to the peers nearest to the key: how many took it. */
  provide(cid: CID): Promise<number>
  /** DHT servers known. */
  size(): number
  /** What is announced of this node, as one text; empty: nothing. */
  addresses(): string
  timing: Timing
  /** Milliseconds since 1970. */
  now(): number
}

interface Entry {
  cid: CID
  records: number
  lastAt?: number
}

/** Servers keep a record for 24 h (older go-libp2p) or 48 h; half of that leaves room for a round that fails. */
const AGAIN_MS = 12 * 3_600_000
const FIRST_RETRY_MS = 60_000
const LAST_RETRY_MS = 1_800_000
/** Peers that come one after another, and addresses, are waited for. */
const SETTLE_MS = 2_000
/** Kademlia's k: with fewer servers known, new ones may be nearer to the key than those that have the record. */
const FULL = 20

/** Tells a DHT of this node under namespaces, by provider records, and again before they run out. */
export class Advertising {
  readonly #components: AdvertisingComponents
  readonly #entries = new Map<string, Entry>()
  #started = false
  #running = false
  #again = false
  #cancel: (() => void) | undefined
  #nextAt: number | undefined
  #retryMs = FIRST_RETRY_MS
  /** How it was when the records were last given. */
  #toldAddresses = ''
  #toldSize = 0

  constructor(components: AdvertisingComponents) {
    this.#components = components
  }

  setNamespaces(namespaces: readonly string[]): void {
    for (const [namespace, { cid }] of this.#entries) {
      if (namespaces.includes(namespace)) continue
      this.#entries.delete(namespace)
      void this.#components.drop(cid).catch(() => {})
    }
    const added = namespaces.filter(namespace => !this.#entries.has(namespace))
    for (const namespace of added) this.#entries.set(namespace, { cid: cidOf(namespace), records: 0 })
    if (added.length > 0 && this.#started) this.#begin()
  }

  start(): void {
    this.#started = true
    this.#begin()
  }

  stop(): void {
    this.#started = false
    this.#cancel?.()
    this.#cancel = undefined
    this.#nextAt = undefined
  }

  /** To be called when the DHT has learnt of a server. */
  grown(): void {
    const size = this.#components.size()
    const isNearer = this.#toldSize < FULL && size >= 2 * this.#toldSize
    if (this.#toldSize === 0 || isNearer) this.#soon()
  }

  /** To be called when what this node announces may have changed. */
  moved(): void {
    if (this.#components.addresses() !== this.#toldAddresses) this.#soon()
  }

  get info(): NamespaceInfo[] {
    return [...this.#entries].map(([namespace, { cid, records, lastAt }]) => ({
      namespace,
      cid: cid.toString(),
      records,
      ...(lastAt !== undefined && { lastProvidedAt: new Date(lastAt).toISOString() }),
      ...(this.#nextAt !== undefined && { nextAt: new Date(this.#nextAt).toISOString() })
    }))
  }

  #begin(): void {
    for (const { cid } of this.#entries.values()) void this.#components.keep(cid).catch(() => {})
    this.#soon()
  }

  #soon(): void {
    const soonAt = this.#components.now() + SETTLE_MS
    if (this.#nextAt === undefined || this.#nextAt > soonAt) this.#in(SETTLE_MS)
  }

  #in(milliseconds: number): void {
    if (!this.#started || this.#entries.size === 0) return
    this.#cancel?.()
    this.#nextAt = this.#components.now() + milliseconds
    this.#cancel = this.#components.timing.after(milliseconds, () => void this.#round())
  }

  async #round(): Promise<void> {
    this.#nextAt = undefined
    if (this.#running) {
      this.#again = true
      return
    }
    const size = this.#components.size()
    const addresses = this.#components.addresses()
    // Servers forget who gives no address; whatever is missing is told when it comes.
    if (size === 0 || addresses === '') return
    this.#running = true
    this.#toldAddresses = addresses
    this.#toldSize = size
    for (const entry of [...this.#entries.values()]) if (this.#started) await this.#provide(entry)
    this.#running = false
    const done = [...this.#entries.values()].every(({ records }) => records > 0)
    this.#retryMs = done ? FIRST_RETRY_MS : Math.min(this.#retryMs * 2, LAST_RETRY_MS)
    if (!done) this.#toldSize = 0
    // Nodes that were started together need not come back together.
    if (this.#nextAt === undefined)
      this.#in(this.#again ? SETTLE_MS : done ? AGAIN_MS * (0.9 + Math.random() / 5) : this.#retryMs)
    this.#again = false
  }

  async #provide(entry: Entry): Promise<void> {
    try {
      entry.records = await this.#components.provide(entry.cid)
      if (entry.records > 0) entry.lastAt = this.#components.now()
    } catch {
      // Those who took it in an earlier round still have it.
    }
  }
}

import { NotFoundError } from '@libp2p/interface'
import type { KadDHTComponents } from '@libp2p/kad-dht'

/**
 * What clients store in the DHT: provider records (who has what) and values (public keys). In memory only and
 * bounded, because upstream bounds neither: anyone could fill the node's memory with ADD_PROVIDER and PUT_VALUE.
 *
 * It stands in for the datastore that kad-dht is given; kad-dht uses only get, put, delete and query of it
 * (pinned in test/upstream/kad-dht.test.ts), with the keys `/dht/provider/CID/PEER` and `/dht/record/KEY`.
 * A CID's providers are found by the CID; a plain datastore looks through all its entries for each request.
 */
export interface DhtStoreLimits {
  providers: number
  providersPerPeer: number
  /** Providers of one key in one answer, the newest first. */
  providersPerAnswer: number
  values: number
  valueBytes: number
}

export const DHT_STORE_LIMITS: DhtStoreLimits = {
  providers: 65_536,
  providersPerPeer: 1_024,
  providersPerAnswer: 128,
  values: 1_024,
  // A public key of 8192 bits with its record around it takes 2.2 KiB.
  valueBytes: 4_096
}

type Datastore = KadDHTComponents['datastore']
type Key = Parameters<Datastore['get']>[0]
interface Pair {
  key: Key
  value: Uint8Array
}
interface ProviderRecord extends Pair {
  name: string
  cid: string
  peer: string
}

const PROVIDERS = '/dht/provider'

export class DhtStore {
  #limits: DhtStoreLimits
  /** Both in the order of writing: the first entry is the oldest. */
  #providers = new Map<string, ProviderRecord>()
  #values = new Map<string, Pair>()
  #byCid = new Map<string, Map<string, ProviderRecord>>()
  #byPeer = new Map<string, Map<string, ProviderRecord>>()

  constructor(limits: DhtStoreLimits = DHT_STORE_LIMITS) {
    this.#limits = limits
  }

  /** Whether that peer (its id as text) is the provider of anything here. */
  hasProvider(peer: string): boolean {
    return this.#byPeer.has(peer)
  }

  get sizes(): { providers: number; values: number } {
    return { providers: this.#providers.size, values: this.#values.size }
  }

  get(key: Key): Uint8Array {
    const name = key.toString()
    const found = this.#values.get(name) ?? this.#providers.get(name)
    if (found === undefined) throw new NotFoundError(`the DHT store has no ${name}`)
    return found.value
  }

  put(key: Key, value: Uint8Array): Key {
    const name = key.toString()
    if (name.startsWith(`${PROVIDERS}/`)) this.#putProvider(name, key, value)
    else this.#putValue(name, key, value)
    return key
  }

  delete(key: Key): void {
    const name = key.toString()
    this.#values.delete(name)
    this.#drop(this.#providers.get(name))
  }

  /** kad-dht asks for the providers of one CID, and once an hour for all of them to delete the expired. */
  query({ prefix = '' }: { prefix?: string }): Generator<Pair> {
    if (prefix === PROVIDERS) return each(this.#providers.values())
    const ofCid = this.#byCid.get(prefix.slice(PROVIDERS.length + 1))
    return each([...(ofCid?.values() ?? [])].reverse().slice(0, this.#limits.providersPerAnswer))
  }

  #putProvider(name: string, key: Key, value: Uint8Array): void {
    this.#drop(this.#providers.get(name))
    const [cid = '', peer = ''] = name.slice(PROVIDERS.length + 1).split('/')
    const ofPeer = this.#byPeer.get(peer)
    const full = this.#providers.size >= this.#limits.providers
    // A peer that wants more than its share, or more when all is full, pays with its own oldest record first.
    if (full || (ofPeer?.size ?? 0) >= this.#limits.providersPerPeer) {
      this.#drop(first(ofPeer) ?? first(this.#providers))
    }
    const record = { name, cid, peer, key, value }
    this.#providers.set(name, record)
    within(this.#byCid, cid).set(name, record)
    within(this.#byPeer, peer).set(name, record)
  }

  #putValue(name: string, key: Key, value: Uint8Array): void {
    const bytes = name.length + value.byteLength
    if (bytes > this.#limits.valueBytes) throw new RangeError(`a DHT value of ${bytes} bytes is too large`)
    this.#values.delete(name)
    this.#values.set(name, { key, value })
    const oldest = this.#values.keys().next().value
    if (this.#values.size > this.#limits.values && oldest !== undefined) this.#values.delete(oldest)
  }

  #drop(record: ProviderRecord | undefined): void {
    if (record === undefined) return
    this.#providers.delete(record.name)
    without(this.#byCid, record.cid, record.name)
    without(this.#byPeer, record.peer, record.name)
  }
}

type Index = Map<string, Map<string, ProviderRecord>>

function within(index: Index, of: string): Map<string, ProviderRecord> {
  const entries = index.get(of) ?? new Map<string, ProviderRecord>()
  index.set(of, entries)
  return entries
}

function without(index: Index, of: string, name: string): void {
  const entries = index.get(of)
  entries?.delete(name)
  if (entries?.size === 0) index.delete(of)
}

const first = (records: Map<string, ProviderRecord> | undefined): ProviderRecord | undefined =>
  records?.values().next().value

function* each(pairs: Iterable<Pair>): Generator<Pair> {
  for (const { key, value } of pairs) yield { key, value }
}

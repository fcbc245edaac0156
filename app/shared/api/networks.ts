import type { NetworkSetting } from '../network-link.ts'

/** What the node did for the peers of a network, since its start. Bytes are relayed ones. */
export interface NetworkServed {
  /** Different peers that held a reservation or had a circuit. */
  peers: number
  reservations: number
  circuits: number
  bytes: { toTarget: number; toSource: number }
}

/**
 * `off`: the DHT does not run; `alone`: no peer is known, and none was given to join through; `joining`;
 * `joined`: there are peers in its table; `failed`: none of its peers could be reached, it is tried again.
 */
export type NetworkState = 'off' | 'alone' | 'joining' | 'joined' | 'failed'

/** The records by which a network's DHT tells of this node under a namespace. */
export interface NamespaceInfo {
  namespace: string
  /** What is looked up: the CID of the namespace's SHA-256. */
  cid: string
  /** Peers that took the record when it was last given. */
  records: number
  lastProvidedAt?: string
  nextAt?: string
}

export interface NetworkInfo {
  name: string
  dht: string
  /** That of `dht.protocol` and `dht.bootstrap`, rather than one of the setting `networks`. */
  own: boolean
  state: NetworkState
  since: string
  /** Why it failed or is off, as a sentence, and a stable word for it. */
  cause?: string
  code?: 'dht-off' | 'no-peer-reached' | 'asleep'
  bootstrap: string[]
  allow: string[]
  sharePercent?: number
  /** DHT servers known. */
  dhtSize: number
  /** The sum of those of its namespaces. */
  recordsProvided: number
  lastProvidedAt?: string
  namespaces: NamespaceInfo[]
  served: NetworkServed
  /** What others join it by; none where there is no peer to join through. */
  link?: string
}

export interface Networks {
  networks: NetworkInfo[]
  /** Those that are known to be in none of them. */
  other: NetworkServed
}

/** Those without a namespace are advertised as relays, under /libp2p/relay. */
export type NewNetwork = Pick<NetworkSetting, 'name' | 'dht'> & Partial<NetworkSetting>

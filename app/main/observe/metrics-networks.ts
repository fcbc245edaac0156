import { one, type Definition, type Figures, type Value } from './metrics-definition.ts'

const NETWORK = { network: "its name in networks; the node's own: dht.protocol" }
type Network = Figures['gauges']['networks'][number]

const byNetwork =
  (valuesOf: (network: Network) => Value[]): Definition['values'] =>
  ({ gauges }) =>
    gauges.networks.flatMap(network =>
      valuesOf(network).map(({ labels, value }) => ({ labels: { network: network.name, ...labels }, value }))
    )

/** What the node does for each network of its settings; what is left of the sums is that of peers in none of them. */
export const networkMetrics: readonly Definition[] = [
  {
    name: 'waystation_network_relayed_bytes_total',
    type: 'counter',
    help: 'Bytes relayed for the peers of a network',
    labels: { ...NETWORK, direction: 'to-target, to-source' },
    values: byNetwork(({ served: { bytes } }) => [
      { labels: { direction: 'to-target' }, value: bytes.toTarget },
      { labels: { direction: 'to-source' }, value: bytes.toSource }
    ])
  },
  {
    name: 'waystation_network_circuits_total',
    type: 'counter',
    help: 'Circuits that were made for the peers of a network',
    labels: NETWORK,
    values: byNetwork(({ served }) => one(served.circuits))
  },
  {
    name: 'waystation_network_dht_table_size',
    type: 'gauge',
    help: "Peers in the routing table of a network's DHT",
    labels: NETWORK,
    values: byNetwork(({ dhtSize }) => one(dhtSize))
  },
  {
    name: 'waystation_network_records_provided',
    type: 'gauge',
    help: "Peers of a network's DHT that took the record of this node when it was last given, of all namespaces",
    labels: NETWORK,
    values: byNetwork(({ recordsProvided }) => one(recordsProvided))
  }
]

import type { Connection, Libp2pEvents, PeerId, TypedEventTarget } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'

/**
 * Where we hold on to libp2p's connection manager (test/upstream/libp2p.test.ts): it looks at the list of all
 * connections twice for every new one, and puts that list together by copying it once for each peer. At ten thousand
 * peers that takes longer than all the rest. Here the list is kept.
 */
export function keepConnectionList(
  connectionManager: ConnectionManager,
  events: TypedEventTarget<Libp2pEvents>
): void {
  const open: Connection[] = []
  const places = new Map<Connection, number>()
  const ofPeer = connectionManager.getConnections.bind(connectionManager)
  events.addEventListener('connection:open', ({ detail: connection }) => {
    if (connection.status !== 'open' || places.has(connection)) return
    places.set(connection, open.push(connection) - 1)
  })
  events.addEventListener('connection:close', ({ detail: connection }) => {
    const place = places.get(connection)
    if (place === undefined) return
    places.delete(connection)
    // The last takes its place.
    const last = open.pop()
    if (last === undefined || last === connection) return
    open[place] = last
    places.set(last, place)
  })
  // A copy: upstream sorts it in place.
  connectionManager.getConnections = (peer?: PeerId) => (peer === undefined ? open.slice() : ofPeer(peer))
}

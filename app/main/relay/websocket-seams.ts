import type { Server, Socket } from 'node:net'
import type {
  CreateListenerOptions,
  Listener,
  MultiaddrConnection,
  Transport,
  Upgrader
} from '@libp2p/interface'
import { ipPortToMultiaddr } from '@libp2p/utils'

/**
 * Where we hold on to @libp2p/websockets, which has no options for this. By itself one wrong frame from anybody
 * ends the process, an aborted connection stays open, a client that never speaks keeps its socket and makes
 * `close()` wait for it, and a message may be 100 MiB. Pinned in test/upstream/websockets.test.ts.
 */

/** How long a client may take to become a WebSocket. */
const HANDSHAKE_TIMEOUT_MS = 10_000
/** The largest message taken: clients send at most 64 KiB of noise or 16 KiB of TLS at once. */
const MAX_MESSAGE_BYTES = 1024 * 1024

interface StockListener extends Listener {
  server: Server
  wsServer: { options: { maxPayload: number } }
}

interface WebSocketConnection extends MultiaddrConnection {
  websocket: { on(event: 'error', listener: () => void): void; terminate(): void }
}

/** Ends waiting for a client, by its address. */
type Deadlines = Map<string, ReturnType<typeof setTimeout>>

/** Makes a WebSocket transport fit for a public port. */
export function guardWebSockets(transport: Transport): Transport {
  const createListener = transport.createListener.bind(transport)
  transport.createListener = (options: CreateListenerOptions): Listener => {
    const deadlines: Deadlines = new Map()
    const upgrader = guardUpgrader(options.upgrader, deadlines)
    const listener = createListener({ ...options, upgrader }) as StockListener
    listener.wsServer.options.maxPayload = MAX_MESSAGE_BYTES
    guardSockets(listener, deadlines)
    return listener
  }
  return transport
}

/** Whatever ends a connection ends its socket, and no error of it goes unheard. */
function guardUpgrader(upgrader: Upgrader, deadlines: Deadlines): Upgrader {
  const guarded = Object.create(upgrader) as Upgrader
  guarded.upgradeInbound = async (connection, options) => {
    const { websocket } = connection as WebSocketConnection
    meet(deadlines, connection.remoteAddr.toString())
    websocket.on('error', () => websocket.terminate())
    connection.addEventListener('close', event => {
      if (event.error !== undefined) websocket.terminate()
    })
    try {
      await upgrader.upgradeInbound(connection, options)
    } catch (error) {
      connection.abort(error as Error)
      throw error
    }
  }
  return guarded
}

/** Lets nobody hold a socket without speaking, nor hold up the listener's close. */
function guardSockets(listener: StockListener, deadlines: Deadlines): void {
  const sockets = new Set<Socket>()
  listener.server.on('connection', (socket: Socket) => {
    const { remoteAddress = '0.0.0.0', remotePort = 0 } = socket
    const address = ipPortToMultiaddr(remoteAddress, remotePort).encapsulate('/ws').toString()
    sockets.add(socket)
    deadlines.set(
      address,
      setTimeout(() => socket.destroy(), HANDSHAKE_TIMEOUT_MS)
    )
    socket.on('error', () => socket.destroy())
    socket.once('close', () => {
      sockets.delete(socket)
      meet(deadlines, address)
    })
  })
  const close = listener.close.bind(listener)
  listener.close = async () => {
    const closing = close()
    for (const socket of sockets) socket.destroy()
    await closing
  }
}

function meet(deadlines: Deadlines, address: string): void {
  clearTimeout(deadlines.get(address))
  deadlines.delete(address)
}

import type { Connection } from '@libp2p/interface'

/** Ends a connection without a word. A browser's WebSocket cannot be aborted: that one is closed. */
export function lose(connection: Connection): void {
  const { maConn } = connection as unknown as { maConn: { websocket?: WebSocket } }
  connection.abort(new Error('lost'))
  maConn.websocket?.close()
}

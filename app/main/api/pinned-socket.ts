import { connect, type TLSSocket } from 'node:tls'

/** The other side of a connection is not the node that was expected. */
export class WrongCertificate extends Error {
  constructor() {
    super('its certificate is not the one of the node')
  }
}

export interface PinnedSocket {
  socket: TLSSocket
  /** Rejects with WrongCertificate, or with what the socket failed of. */
  ready: Promise<void>
}

/**
 * A TLS connection to whoever holds the key of that very certificate, which may be signed by anyone, for any name, and
 * have expired: the node's own control file names it. Nothing may be sent before it is ready.
 */
export function connectPinned(url: URL, fingerprint: string): PinnedSocket {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const socket = connect({ host, port: Number(url.port || 443), rejectUnauthorized: false })
  const ready = new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the connection was closed')))
    socket.once('secureConnect', () => {
      if (socket.getPeerX509Certificate()?.fingerprint256 === fingerprint) return resolve()
      reject(new WrongCertificate())
      socket.destroy()
    })
  })
  return { socket, ready }
}

import type { TLSSocket } from 'node:tls'

/** What a TLS socket reads at once: a record, at the most (RFC 8446, 5.1). */
const READ_BYTES = 16 * 1024

/**
 * Where every TLS socket's bytes arrive. One for all: what is read is handed over, and done with, before anything else
 * is read.
 */
const arriving = Buffer.allocUnsafeSlow(READ_BYTES)

interface Handle {
  useUserBuffer?(buffer: Uint8Array): void
}

/**
 * Has a TLS socket hand over what it reads in memory that is used again, as `onread` does for a socket without TLS.
 * Node has no option for it where the TLS socket is made of another. If it cannot be done, as in a Node that has
 * changed, the bytes come by events, which costs more. `take` answers whether more may come.
 */
export function readInto(socket: TLSSocket, take: (bytes: Buffer) => boolean): void {
  const symbols = Object.getOwnPropertySymbols(socket)
  const buffer = symbols.find(symbol => symbol.description === 'kBuffer')
  const callback = symbols.find(symbol => symbol.description === 'kBufferCb')
  const { _handle: handle } = socket as TLSSocket & { _handle: Handle | null }
  if (buffer !== undefined && callback !== undefined && handle?.useUserBuffer !== undefined) {
    handle.useUserBuffer(arriving)
    Object.assign(socket, {
      [buffer]: arriving,
      [callback]: (bytes: number, memory: Buffer) => take(memory.subarray(0, bytes))
    })
    return
  }
  socket.pause()
  socket.on('data', (bytes: Buffer) => {
    if (!take(bytes)) socket.pause()
  })
}

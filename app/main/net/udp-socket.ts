import type { RemoteInfo, Socket } from 'node:dgram'
import { framesOf, isLoopback } from './frames.ts'
import type { Counted } from './tcp-socket.ts'

type Send = (message: unknown, ...rest: unknown[]) => void

/** Counts what a socket of node:dgram receives and sends (discovery of the router, names of the local network). */
export function followDatagrams(socket: Socket, counted: Counted): void {
  socket.on('message', (message: Buffer, { address }: RemoteInfo) => {
    if (!isLoopback(address)) counted.received += message.byteLength + framesOf(address).datagram
  })
  const send = socket.send.bind(socket) as Send
  const counting: Send = (message, ...rest) => {
    send(message, ...rest)
    const bytes = lengthOf(message, rest)
    const ip = rest.find(argument => typeof argument === 'string') ?? remoteOf(socket)
    if (ip !== undefined && !isLoopback(ip)) counted.sent += bytes + framesOf(ip).datagram
  }
  socket.send = counting
}

/** `send` takes (message, port, address) or (message, offset, length, port, address), and less where connected. */
function lengthOf(message: unknown, rest: readonly unknown[]): number {
  const numbers = rest.findIndex(argument => typeof argument !== 'number')
  const given = numbers === -1 ? rest.length : numbers
  if (given >= 2) return rest[1] as number
  if (Array.isArray(message)) return message.reduce((sum: number, part) => sum + lengthOf(part, []), 0)
  return typeof message === 'string' ? Buffer.byteLength(message) : (message as Uint8Array).byteLength
}

function remoteOf(socket: Socket): string | undefined {
  try {
    return socket.remoteAddress().address
  } catch {
    // Sent to no address and not connected: the call has failed.
    return undefined
  }
}

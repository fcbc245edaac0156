import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Side, SideSink } from '../../../../app/main/relay/circuit/side.ts'
import type { BenchClient, Taker } from './bench-client.ts'

/** The yardstick's circuits: sockets through a proxy to a server, which greets, so that both ends are known to be there. */

const GREETING = new Uint8Array(1)
const ROOM_BYTES = 64 * 1024

/** The port that the proxy is to connect to. */
export async function listen(taker: Taker): Promise<number> {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, socket => {
    socket.write(GREETING)
    taker(new SocketSide(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

export function socketClient(port: number): BenchClient {
  return {
    id: '',
    connect: async () => {},
    reserve: async () => {},
    close: async () => {},
    open: async () => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
      await once(socket, 'readable')
      if (socket.read(GREETING.byteLength) === null) throw new Error('nobody is behind the proxy')
      return new SocketSide(socket)
    }
  }
}

class SocketSide implements Side {
  readonly #socket: Socket

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', () => {})
  }

  join(sink: SideSink): void {
    const socket = this.#socket
    socket.on('data', (bytes: Buffer) => sink.onBytes(bytes))
    socket.on('end', () => sink.onEnd())
    socket.on('close', () => sink.onClose())
    socket.on('drain', () => sink.onWritable())
  }

  get sendable(): number {
    return this.#socket.writable && !this.#socket.writableNeedDrain ? ROOM_BYTES : 0
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes)
  }

  credit(): void {}

  async finish(): Promise<void> {
    this.#socket.end()
  }

  abort(): void {
    this.#socket.destroy()
  }
}

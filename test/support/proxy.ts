import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

export interface TcpProxyOptions {
  /** What it says to the relay first, of each connection. */
  preface?: () => string | Uint8Array
  /** What it makes of the first bytes that come from a client. */
  edit?: (first: Buffer) => string | Uint8Array
}

/** A way to a TCP port whose sockets a test can break under both sides, as a lost network or a kill would. */
export class TcpProxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
  }

  /** `address` is the relay's, over TCP or WebSocket, on 127.0.0.1. */
  static async to(
    address: string,
    { preface, edit = first => first }: TcpProxyOptions = {}
  ): Promise<TcpProxy> {
    const port = Number(/\/tcp\/(\d+)/.exec(address)?.[1])
    const server = createServer()
    const proxy = new TcpProxy(server)
    server.on('connection', client => {
      const relay = connect(port, '127.0.0.1')
      for (const socket of [client, relay]) {
        proxy.#sockets.add(socket)
        socket.on('error', () => {}).on('close', () => proxy.#sockets.delete(socket))
      }
      if (preface !== undefined) relay.write(preface())
      client.once('data', (first: Buffer) => {
        relay.write(edit(first))
        client.pipe(relay)
      })
      client.once('end', () => relay.end())
      relay.pipe(client)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return proxy
  }

  /** The relay's address, by way of this proxy. */
  address(relayAddress: string): string {
    const { port } = this.#server.address() as AddressInfo
    return relayAddress.replace(/\/tcp\/\d+/, `/tcp/${port}`)
  }

  /** Sockets that are open, both ways. */
  get open(): number {
    return this.#sockets.size
  }

  /** Lets nothing more pass, and says nothing of it, as a network does that is gone. */
  stall(): void {
    for (const socket of this.#sockets) socket.unpipe().pause()
  }

  /** Breaks every connection: with a FIN, or with a RST. */
  break(how: 'fin' | 'rst'): void {
    for (const socket of this.#sockets) {
      if (how === 'rst') socket.resetAndDestroy()
      else socket.destroy()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.break('fin')
    this.#server.close()
    await once(this.#server, 'close')
  }
}

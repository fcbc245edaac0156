import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** A way to a TCP port whose sockets a test can break under both sides, as a lost network or a kill would. */
export class TcpProxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
  }

  /** `address` is the relay's, over TCP or WebSocket, on 127.0.0.1. */
  static async to(address: string): Promise<TcpProxy> {
    const port = Number(/\/tcp\/(\d+)/.exec(address)?.[1])
    const server = createServer()
    const proxy = new TcpProxy(server)
    server.on('connection', client => {
      const relay = connect(port, '127.0.0.1')
      for (const socket of [client, relay]) {
        proxy.#sockets.add(socket)
        socket.on('error', () => {}).on('close', () => proxy.#sockets.delete(socket))
      }
      client.pipe(relay).pipe(client)
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

import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/**
 * A way to a TCP port that takes time and holds any number of bytes meanwhile: what limits a transfer through it is
 * how much its ends let be under way. The ends' own TCP does not see the delay.
 */
export class LongPath {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
  }

  /** `address` is the relay's, over TCP or WebSocket, on 127.0.0.1. A round trip takes twice the delay. */
  static async to(address: string, { delayMs }: { delayMs: number }): Promise<LongPath> {
    const port = Number(/\/tcp\/(\d+)/.exec(address)?.[1])
    const server = createServer()
    const path = new LongPath(server)
    server.on('connection', near => {
      const far = connect(port, '127.0.0.1')
      for (const socket of [near, far]) {
        path.#sockets.add(socket)
        socket.setNoDelay(true)
        socket.on('error', () => {}).on('close', () => path.#sockets.delete(socket))
      }
      passOn(near, far, delayMs)
      passOn(far, near, delayMs)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return path
  }

  /** The relay's address, by this way. */
  address(relayAddress: string): string {
    const { port } = this.#server.address() as AddressInfo
    return relayAddress.replace(/\/tcp\/\d+/, `/tcp/${port}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** What comes from one socket goes to the other, each chunk so much later. */
function passOn(from: Socket, to: Socket, delayMs: number): void {
  const underWay: { due: number; chunk: Buffer | undefined }[] = []
  let timer: NodeJS.Timeout | undefined
  const arrive = (): void => {
    timer = undefined
    for (;;) {
      const [first] = underWay
      if (first === undefined) return
      const left = first.due - performance.now()
      if (left > 0) {
        timer = setTimeout(arrive, left)
        return
      }
      underWay.shift()
      if (first.chunk === undefined) to.end()
      else if (to.writable) to.write(first.chunk)
    }
  }
  const depart = (chunk: Buffer | undefined): void => {
    underWay.push({ due: performance.now() + delayMs, chunk })
    timer ??= setTimeout(arrive, delayMs)
  }
  from.on('data', depart)
  from.on('end', () => depart(undefined))
  // A reset is not late: there is nothing that it could overtake and that would be missed.
  from.on('close', hadError => hadError && to.destroy())
}

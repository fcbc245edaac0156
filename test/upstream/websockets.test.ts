import type { EventEmitter } from 'node:events'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Listener, MultiaddrConnection, Upgrader } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { sleep } from '../support/until.ts'

/** Why app/main/relay/websocket-seams.ts holds on to @libp2p/websockets. A failure says: look there again. */

type WebSocketConnection = MultiaddrConnection & { websocket: EventEmitter & { readyState: number } }

const OPEN = 1

interface Stock {
  listener: Listener
  port: number
  /** The next connection that comes in. */
  accepted: Promise<WebSocketConnection>
}

async function listening(): Promise<Stock> {
  const accepted = Promise.withResolvers<WebSocketConnection>()
  const upgrader = {
    upgradeInbound: async (connection: MultiaddrConnection) =>
      accepted.resolve(connection as WebSocketConnection)
  } as unknown as Upgrader
  const events = new EventTarget() as never
  const listener = webSockets()({ logger: defaultLogger(), events }).createListener({ upgrader })
  await listener.listen(multiaddr('/ip4/127.0.0.1/tcp/0/ws'))
  const port = Number(listener.getAddrs()[0]?.toString().split('/')[4])
  return { listener, port, accepted: accepted.promise }
}

async function knock(port: number, greeting = ''): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  await once(socket, 'connect')
  if (greeting !== '') socket.write(greeting)
  return socket
}

const UPGRADE =
  'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n'

it('hears no error of a WebSocket, so that one wrong frame ends the process (guardUpgrader: error)', async () => {
  const { listener, port, accepted } = await listening()
  await knock(port, UPGRADE)
  expect((await accepted).websocket.listenerCount('error')).toBe(0)
  await listener.close()
})

it('aborts by close(1006), which ws refuses: the socket stays open (guardUpgrader: close)', async () => {
  const { listener, port, accepted } = await listening()
  await knock(port, UPGRADE)
  const connection = await accepted
  connection.abort(new Error('enough'))
  await sleep(200)
  expect(connection.status).toBe('aborted')
  expect(connection.websocket.readyState).toBe(OPEN)
  await listener.close()
})

it('waits in close() for a client that never speaks (guardSockets)', async () => {
  const { listener, port } = await listening()
  const socket = await knock(port)
  await sleep(100)
  const closed = listener.close().then(() => 'closed')
  expect(await Promise.race([closed, sleep(1000).then(() => 'waiting')])).toBe('waiting')
  socket.resetAndDestroy()
})

it('takes messages of 100 MiB (MAX_MESSAGE_BYTES)', async () => {
  const { listener } = await listening()
  const { wsServer } = listener as unknown as { wsServer: { options: { maxPayload: number } } }
  expect(wsServer.options.maxPayload).toBe(100 * 1024 * 1024)
  await listener.close()
})

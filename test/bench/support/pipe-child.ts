import { connect, createServer, type AddressInfo } from 'node:net'

/** The yardstick: a plain proxy to the port it is given. Tells its parent its own port, and ends with it. */
const to = Number(process.argv[2])
const server = createServer(client => {
  const target = connect(to, '127.0.0.1')
  client.pipe(target).pipe(client)
  for (const socket of [client, target]) socket.on('error', () => {})
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())

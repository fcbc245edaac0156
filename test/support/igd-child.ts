import { createSocket } from 'node:dgram'
import { DEVICE, startOddIgd, type IgdAction, type IgdOptions } from './odd-igd.ts'

/** The router of odd-igd.ts in a process of its own. Each action it gets is a message to its parent, with which it ends. */

const options = JSON.parse(process.argv[2] ?? '') as IgdOptions
const { location } = await startOddIgd(options, action => process.send?.(action satisfies IgdAction))
const socket = createSocket({ type: 'udp4', reuseAddr: true })
socket.on('message', (message, { address, port: to }) => {
  if (!message.toString().includes(DEVICE)) return
  const lines = ['HTTP/1.1 200 OK', 'EXT:', `ST: ${DEVICE}`, `LOCATION: ${location.href}`, 'USN: uuid:1']
  socket.send(`${lines.join('\r\n')}\r\n\r\n`, to, address)
})
await new Promise<void>(resolve => socket.bind(1900, options.address, resolve))
process.on('disconnect', () => process.exit())
process.send?.({ ready: true })

import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { RawPeer, type StopAnswer } from '../../support/raw.ts'
import { send } from '../../support/clients.ts'
import { Status, StopMessage, StopType } from '../../../app/main/relay/circuit/pb/messages.ts'

/**
 * Both ends of the transfers, in a process of their own. It answers each job with the seconds it took, and
 * ends with its parent. Stock js peers; what passes is raw, with no handshake inside.
 */
export interface Job {
  kind: 'circuits' | 'sockets'
  /** A relay's multiaddr, or a port. */
  to: string
  streams: number
  bytesEach: number
}

const CHUNK = new Uint8Array(64 * 1024)
const sink = createServer()
let sunk = (_bytes: number): void => {}
sink.on('connection', socket => socket.on('data', data => sunk(data.byteLength)))
sink.listen(0, '127.0.0.1')
await once(sink, 'listening')

/** Resolves when that many bytes have been counted. */
function counter(bytes: number): { count: (bytes: number) => void; all: Promise<void> } {
  const all = Promise.withResolvers<void>()
  return {
    count: more => {
      bytes -= more
      if (bytes <= 0) all.resolve()
    },
    all: all.promise
  }
}

async function circuits({ to, streams, bytesEach }: Job): Promise<number> {
  const { count, all } = counter(streams * bytesEach)
  const answer: StopAnswer = async (_peer, frames) => {
    await frames.write(StopMessage.encode({ type: StopType.STATUS, status: Status.OK }))
    frames.unwrap().addEventListener('message', event => count(event.data.byteLength))
  }
  await using target = await RawPeer.reserved(to, { answer })
  await using source = await RawPeer.create(to)
  const ends = []
  for (let i = 0; i < streams; i++) ends.push(await source.open(target))
  const data = new Uint8Array(bytesEach)
  const since = performance.now()
  await Promise.all(ends.map(({ stream }) => send(stream, data)))
  await all
  return (performance.now() - since) / 1000
}

async function sockets({ to, streams, bytesEach }: Job): Promise<number> {
  const { count, all } = counter(streams * bytesEach)
  sunk = count
  const ends = Array.from({ length: streams }, () => connect(Number(to), '127.0.0.1'))
  await Promise.all(ends.map(socket => once(socket, 'connect')))
  const since = performance.now()
  const write = async (socket: Socket): Promise<void> => {
    for (let sent = 0; sent < bytesEach; sent += CHUNK.byteLength) {
      if (!socket.write(CHUNK)) await once(socket, 'drain')
    }
  }
  await Promise.all(ends.map(write))
  await all
  for (const socket of ends) socket.destroy()
  return (performance.now() - since) / 1000
}

process.on('message', (job: Job) => {
  void (job.kind === 'circuits' ? circuits(job) : sockets(job)).then(seconds => process.send?.(seconds))
})
process.on('disconnect', () => process.exit())
process.send?.((sink.address() as AddressInfo).port)

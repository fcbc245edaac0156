import { WatchedRelay } from './support/watched-relay.ts'
import { RawPeer, hopFrames } from './support/raw.ts'
import { sleep } from './support/until.ts'
const kind = process.argv[2] as any
const relay = await WatchedRelay.start()
const round = async (): Promise<void> => {
  await using peer = await RawPeer.create(relay.address(kind))
  await peer.reserve()
  const left = await hopFrames(peer.connection)
  left.unwrap().send(Uint8Array.of(10))
}
const show = async (t: string) => { const v = await relay.settled(({ peers, inboundStreams }) => peers + inboundStreams === 0); console.log(kind, t, 'heap', (v.heapUsed/1e6).toFixed(1), 'rss', (v.rss/1e6).toFixed(1), 'res', v.resources) }
await show('start')
for (let i = 0; i < 5; i++) { for (let j = 0; j < 50; j++) await Promise.all([round(), round(), round(), round()]); await show(`${(i+1)*200}`) }
await sleep(17000); await show('after 17 s')
process.exit()

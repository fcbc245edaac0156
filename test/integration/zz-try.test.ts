import { it, expect } from 'vitest'
import { RawPeer, openPair, hopFrames, connectMessage } from '../support/raw.ts'
import { startRelay, KINDS, eventsOf } from '../support/relay.ts'
import { until, sleep } from '../support/until.ts'
import { HopMessage, StopMessage, StopType } from '../../app/main/relay/circuit/pb/messages.ts'
it('early data|FIN', async () => {
  await using relay = await startRelay()
  await using target = await RawPeer.reserved(relay.address('tcp'))
  await using source = await RawPeer.create(relay.address('tcp'))
  const frames = await hopFrames(source.connection)
  await frames.write(HopMessage.encode(connectMessage(target)))
  const stream = frames.unwrap() as any
  stream.sendFrame({ type: 0, flag: 4, streamID: stream.streamId, length: 5}, Buffer.from('early'))
  await sleep(1000)
  console.log(stream.status, target.taken[0]?.text, target.taken[0]?.ended, target.taken[0]?.stream.status, relay.events)
})

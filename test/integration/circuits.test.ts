import { describe, expect, it } from 'vitest'
import { createClient, createListener, dialThrough, exchange } from '../support/clients.ts'
import { KINDS, eventsOf, startRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'

const MiB = 1024 * 1024

describe.each(KINDS)('on %s', kind => {
  it('lets two clients exchange 1 MiB each way', async () => {
    await using relay = await startRelay()
    const address = relay.address(kind)
    await using listener = await createListener(address)
    await using dialer = await createClient()

    const stream = await dialThrough(dialer, address, listener)

    expect(await exchange(stream, MiB)).toBe(true)
    await stream.close()
    await dialer.stop()
    await until('the circuit ends', () => eventsOf(relay, 'circuit-closed').length === 1)
    const [closed] = eventsOf(relay, 'circuit-closed')
    expect(closed?.bytesToTarget).toBeGreaterThan(MiB)
    expect(closed?.bytesToSource).toBeGreaterThan(MiB)
    expect(relay.node.relay.circuits.size).toBe(0)
  })
})

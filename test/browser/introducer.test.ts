import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defaultsOf, type Settings } from '../../app/shared/settings.ts'
import { createClient, createListener, dialThrough, type Client } from '../support/clients.ts'
import { eventsOf, startRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'
import { browserMissing, openBrowsers, type Browsers } from './support/browsers.ts'
import { BrowserPeer } from './support/peers.ts'

const introducer = Object.fromEntries(
  Object.entries(defaultsOf('introducer')).filter(([key]) => key.startsWith('relay.'))
) as Partial<Settings>

describe.skipIf(browserMissing())('a relay that introduces', () => {
  let browsers: Browsers
  beforeAll(async () => {
    browsers = await openBrowsers()
  })
  afterAll(() => browsers[Symbol.asyncDispose]())

  it('carries 16 circuits; who asks for the 17th is told to come again, and then gets it', async () => {
    await using relay = await startRelay(introducer)
    const address = relay.address('ws')
    await using stack = new AsyncDisposableStack()
    const client = async (make: Promise<Client>): Promise<Client> => stack.use(await make)
    const listeners: Client[] = []
    for (let i = 0; i < 5; i++) listeners.push(await client(createListener(address)))
    const dialers: Client[] = []
    for (let i = 0; i < 4; i++) {
      const dialer = await client(createClient({ options: { addresses: { listen: [] } } }))
      dialers.push(dialer)
      for (const listener of listeners.slice(0, 4)) {
        if (i === 3 && listener === listeners[3]) break
        await dialThrough(dialer, address, listener)
      }
    }
    await using sixteenth = await BrowserPeer.open(browsers)
    await using seventeenth = await BrowserPeer.open(browsers)
    const target = `${address}/p2p-circuit/p2p/${listeners[4]?.peerId.toString()}`

    await sixteenth.connect(target)
    expect(relay.node.relay.circuits.size).toBe(16)
    await expect(seventeenth.connect(target)).rejects.toThrow('RESOURCE_LIMIT_EXCEEDED')
    expect(
      eventsOf(relay, 'request-denied').map(({ reason, status, peer }) => [reason, status, peer])
    ).toEqual([['full', 201, seventeenth.id]])

    await dialers[0]?.hangUp(listeners[0]!.peerId)
    await until('a circuit has ended', () => relay.node.relay.circuits.size === 15)
    await seventeenth.connect(target)
    expect(await seventeenth.say(listeners[4]!.peerId.toString(), 'at last')).toBe('at last')
  })

  it('carries 4 circuits of one browser at once', async () => {
    await using relay = await startRelay(introducer)
    const address = relay.address('ws')
    await using stack = new AsyncDisposableStack()
    const targets: string[] = []
    for (let i = 0; i < 5; i++) targets.push(stack.use(await createListener(address)).peerId.toString())
    const [first = '', fifth = ''] = [targets[0], targets[4]]
    await using page = await BrowserPeer.open(browsers)
    const connect = (to: string): Promise<string> => page.connect(`${address}/p2p-circuit/p2p/${to}`)

    for (const to of targets.slice(0, 4)) await connect(to)
    await expect(connect(fifth)).rejects.toThrow('RESOURCE_LIMIT_EXCEEDED')
    expect(eventsOf(relay, 'request-denied').map(({ reason }) => reason)).toEqual(['per-peer-full'])

    await page.hangUp(first)
    await until('a circuit has ended', () => relay.node.relay.circuits.size === 3)
    await connect(fifth)
    expect(await page.say(fifth, 'at last')).toBe('at last')
  })
})

import path from 'node:path'
import { expect, it } from 'vitest'
import { Authority } from '../support/authority.ts'
import { temporaryFolder } from '../support/command.ts'
import { missing } from '../support/needs.ts'
import { eventsOf, startRelay } from '../support/relay.ts'
import { NGINX, startNginx } from '../support/reverse-proxies.ts'
import { until } from '../support/until.ts'
import { browserMissing, openBrowsers } from './support/browsers.ts'
import { BrowserPeer } from './support/peers.ts'
import { certutilMissing, homeThatTrusts } from './support/trust.ts'

const MiB = 1024 * 1024
const needed = browserMissing() || certutilMissing() || missing('nginx (Debian: nginx)', NGINX !== undefined)

it.skipIf(needed)(
  'two browsers meet through nginx by secure WebSocket, go direct, and need neither more',
  async () => {
    await using folder = await temporaryFolder()
    const authority = await Authority.create(path.join(folder.dir, 'authority'))
    await using relay = await startRelay({ trustedProxies: ['127.0.0.1'] })
    await using nginx = await startNginx({
      dir: path.join(folder.dir, 'nginx'),
      websocketPort: Number(/\/tcp\/(\d+)/.exec(relay.address('ws'))?.[1]),
      // Nobody asks for the pages here.
      pagesPort: 1,
      certificate: await authority.issue('relay', ['IP:::1'])
    })
    const home = await homeThatTrusts(authority, path.join(folder.dir, 'home'))
    await using browsers = await openBrowsers({ home })
    await using alice = await BrowserPeer.open(browsers)
    await using bob = await BrowserPeer.open(browsers)
    let relayed = 0
    relay.bus.on('bytes-relayed', ({ bytes }) => (relayed += bytes))

    const address = `/ip6/::1/tcp/${nginx.port}/tls/ws/p2p/${relay.node.peerId}`
    await alice.reserve(address)
    await bob.connect(`${address}/p2p-circuit/webrtc/p2p/${alice.id}`)
    expect(await bob.paths(relay.node.peerId)).toMatchObject([{ address }])
    expect((await bob.paths(alice.id)).map(({ direct }) => direct)).toContain(true)
    const { sent, received } = await bob.send(alice.id, 10 * MiB)
    expect(received).toEqual(sent)
    expect(relayed).toBeGreaterThan(0)
    expect(relayed).toBeLessThan(MiB)
    // Where nginx has them from; it came to the relay by 127.0.0.1.
    expect(eventsOf(relay, 'reservation-accepted')[0]).toMatchObject({ peer: alice.id, ip: '::1' })

    await Promise.all([alice.leave(relay.node.peerId), bob.leave(relay.node.peerId)])
    await until('the relay knows neither any more', () => relay.node.connectedPeers === 0)
    expect(await alice.say(bob.id, 'still here?')).toBe('still here?')
  }
)

import path from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { defaultsOf } from '../../app/shared/settings.ts'
import { createApp } from '../support/app.ts'
import { Authority } from '../support/authority.ts'
import { temporaryFolder } from '../support/command.ts'
import { startRelay } from '../support/relay.ts'
import { browserMissing, openBrowsers, type Browsers } from './support/browsers.ts'
import { introduce } from './support/introduce.ts'
import { certutilMissing, homeThatTrusts } from './support/trust.ts'

const { 'relay.circuits.durationSeconds': durationSeconds, 'relay.circuits.bytesEachWay': bytesEachWay } =
  defaultsOf('introducer')
/** Too small for what they send to each other. */
const CIRCUITS = {
  'relay.circuits.durationSeconds': durationSeconds,
  'relay.circuits.bytesEachWay': bytesEachWay
}

describe.skipIf(browserMissing())('two browsers meet, go direct, and need the relay no more', () => {
  let browsers: Browsers
  beforeAll(async () => {
    browsers = await openBrowsers()
  })
  afterAll(() => browsers[Symbol.asyncDispose]())

  it('over WebSocket', async () => {
    await using relay = await startRelay(CIRCUITS)
    await introduce({ peerId: relay.node.peerId, bus: relay.bus }, relay.address('ws'), browsers)
  })

  it('over WebRTC-direct, which needs no certificate of an authority', async () => {
    await using relay = await startRelay({ ...CIRCUITS, 'webrtcDirect.enabled': true })
    const address = relay.node.addresses.listening.find(each => each.includes('/webrtc-direct/')) ?? ''
    await introduce({ peerId: relay.node.peerId, bus: relay.bus }, address, browsers)
  })
})

describe.skipIf(browserMissing() || certutilMissing())('two browsers that trust an authority', () => {
  it('meet over secure WebSocket of its certificate, go direct, and need the relay no more', async () => {
    await using folder = await temporaryFolder()
    const authority = await Authority.create(path.join(folder.dir, 'authority'))
    const { chain, key } = await authority.issue('relay', ['DNS:localhost', 'IP:127.0.0.1'])
    const tls = { 'tls.cert': chain, 'tls.key': key, 'tls.port': 0, 'http.enabled': true }
    const { app } = createApp(path.join(folder.dir, 'relay'), { ...CIRCUITS, ...tls })
    const home = await homeThatTrusts(authority, path.join(folder.dir, 'home'))
    await using browsers = await openBrowsers({ home })
    await app.start()
    try {
      const address = app.addresses.find(each => each.includes('/tls/ws/')) ?? ''
      await introduce({ peerId: app.peerId, bus: app.bus }, address, browsers)
    } finally {
      await app.stop()
    }
  })
})

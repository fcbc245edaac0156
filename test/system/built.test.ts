import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createClient, createListener, dialThrough, exchange } from '../support/clients.ts'
import { startNode, temporaryFolder } from '../support/command.ts'
import { missing } from '../support/needs.ts'
import { addressOf, KINDS } from '../support/relay.ts'

const BUILT = 'out/main/cli.js'

describe.skipIf(missing('a build (npm run build)', existsSync(BUILT)))('the built command', () => {
  it.each(KINDS)('relays on %s', async kind => {
    await using folder = await temporaryFolder()
    await using node = startNode(folder.dir, [], { entry: BUILT })
    const address = addressOf((await node.listening()).addresses, kind)
    await using listener = await createListener(address)
    await using dialer = await createClient()

    expect(await exchange(await dialThrough(dialer, address, listener), 100_000)).toBe(true)
  })
})

import { execFileSync } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { connectControl } from '../../app/main/control-folder.ts'
import { createListener, createPlainClient, dialThrough, exchange } from '../support/clients.ts'
import { startNode, temporaryFolder } from '../support/command.ts'
import { missing } from '../support/needs.ts'
import { addressOf } from '../support/relay.ts'
import { until } from '../support/until.ts'

const DISK_BYTES = 1024 * 1024
const canMount = process.platform === 'linux' && process.getuid?.() === 0

describe.skipIf(missing('root on Linux, to mount a small file system,', canMount))('on a full disk', () => {
  it('stops with what to do, leaves no half a key, and starts when there is room again', async () => {
    await using folder = await temporaryFolder()
    await using disk = mountSmall(folder.dir)
    const ballast = path.join(disk.dir, 'ballast')
    await writeFile(ballast, Buffer.alloc(DISK_BYTES)).catch(() => {})

    const full = await startNode(path.join(disk.dir, 'data')).finished
    expect(full.code).toBe(1)
    expect(full.stderr).toMatch(/disk|space/i)

    await rm(ballast)
    await using node = startNode(path.join(disk.dir, 'data'))
    const { peerId } = await node.listening()
    expect(peerId).toMatch(/^12D3Koo/)
  })

  it('goes on relaying, says what it cannot write, and writes it when there is room again', async () => {
    await using folder = await temporaryFolder()
    await using disk = mountSmall(folder.dir)
    const dataDir = path.join(disk.dir, 'data')
    const ballast = path.join(disk.dir, 'ballast')
    await using node = startNode(dataDir)
    const { addresses } = await node.listening()
    const address = addressOf(addresses, 'tcp')
    const control = await connectControl(dataDir)
    const everRelayed = async (): Promise<number> => (await control.call('stats')).totals.ever.bytes.toTarget
    const warnings = async (): Promise<string[]> => (await control.call('status')).warnings
    await using listener = await createListener(address)
    await using dialer = await createPlainClient()
    const stream = await dialThrough(dialer, address, listener)

    await writeFile(ballast, Buffer.alloc(DISK_BYTES)).catch(() => {})
    await until('it is noticed', async () => (await warnings()).length > 0, 90)
    expect(await warnings()).toEqual([expect.stringContaining('the disk is full')])
    expect(await exchange(stream, 1_000_000)).toBe(true)
    const change = await control.call('setSettings', { values: { 'relay.circuits.total': 7 } })
    expect(change).toMatchObject({ applied: ['relay.circuits.total'], saved: false })
    expect(await everRelayed()).toBeGreaterThan(1_000_000)

    await rm(ballast)
    await until('it is written again', async () => (await warnings()).length === 0, 120)
    const before = await everRelayed()
    await node.kill('SIGKILL')
    await using again = startNode(dataDir)
    await again.listening()
    const totals = (await (await connectControl(dataDir)).call('stats')).totals.ever
    expect(totals.bytes.toTarget).toBe(before)
  })
})

/** A small file system in that folder. */
function mountSmall(dir: string): { dir: string; [Symbol.asyncDispose](): Promise<void> } {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', dir])
  return {
    dir,
    [Symbol.asyncDispose]: async () => {
      execFileSync('umount', ['-l', dir])
    }
  }
}

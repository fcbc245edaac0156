import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { expect, it } from 'vitest'
import { residentMiB } from '../bench/support/cpu.ts'
import { DashboardNode } from '../e2e/support/node.ts'

const PEERS = 500
/** 1,024 of them, and the node itself, are to fit in 1 GiB. Some 120 KiB are what it takes, garbage included. */
const MOST_KIB_EACH = 512

// Browsers are too heavy for this; their clients, js-libp2p as it is, are not: in two processes, which take some 12 s.
it.runIf(process.platform === 'linux')(
  `500 clients of browsers hold reservations over WebSocket at once, for less than ${MOST_KIB_EACH} KiB each`,
  async () => {
    await using relay = await DashboardNode.start({
      profile: 'introducer',
      'relay.reservations.total': 1024,
      'connections.total': 4096
    })
    const address = await relay.address('ws')
    const before = residentMiB(relay.pid)

    await using holders = holdersOn(address, PEERS, 2)
    const peers = (await holders.held).flat()

    const each = ((residentMiB(relay.pid) - before) * 1024) / PEERS
    console.log(`${each.toFixed(0)} KiB of memory for each of ${PEERS} reservations`)
    expect(new Set((await relay.control.call('reservations')).map(({ peer }) => peer))).toEqual(
      new Set(peers)
    )
    expect(peers).toHaveLength(PEERS)
    expect((await relay.control.call('status')).connections.byTransport).toEqual({ ws: PEERS })
    expect(each).toBeGreaterThan(0)
    expect(each).toBeLessThan(MOST_KIB_EACH)
    // 1,024 times so many KiB are as many MiB.
    expect(before + each).toBeLessThan(1024)
  },
  240_000
)

interface Holders extends AsyncDisposable {
  /** The peer ids of those that hold a reservation, by process. */
  held: Promise<string[][]>
}

function holdersOn(relay: string, count: number, processes: number): Holders {
  const share = String(count / processes)
  const children = Array.from({ length: processes }, () =>
    fork(new URL('./support/holders-child.ts', import.meta.url), [relay, share], {
      execArgv: ['--no-warnings']
    })
  )
  return {
    held: Promise.all(children.map(idsFrom)),
    async [Symbol.asyncDispose]() {
      await Promise.all(children.map(end))
    }
  }
}

async function idsFrom(child: ChildProcess): Promise<string[]> {
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`the clients ended: ${code}`)
  })
  const [ids] = (await Promise.race([once(child, 'message'), failed])) as [string[]]
  failed.catch(() => {})
  return ids
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

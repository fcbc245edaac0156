import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import type { FirewallInfo, Health } from '../../../shared/api.ts'
import { AppError, messageOf, systemCode } from '../../../shared/errors.ts'
import { firewallName } from '../../../shared/ladder-words.ts'
import type { Settings } from '../../../shared/settings.ts'
import { findFirewalls } from '../../firewall/find.ts'
import { thisSystem } from '../../firewall/system.ts'
import { loadSettings } from '../../settings/load.ts'
import { DONE, FAILED, NOT_KNOWN, NOT_RUNNING } from './exit-codes.ts'
import type { Run } from './run-context.ts'
import { showLadder } from './show-ladder.ts'

/** The self-test takes at most a minute, and a peer that dials back half a minute for each address. */
const PATIENCE_MS = 5 * 60_000

const CODES: Record<Health, number> = {
  healthy: DONE,
  'no-demand': DONE,
  local: DONE,
  waiting: NOT_KNOWN,
  starting: NOT_KNOWN,
  resting: DONE,
  off: DONE,
  broken: FAILED
}

/** `doctor`: tests the node, and says what is in the way. */
export async function doctor(run: Run): Promise<number> {
  const client = await run.connect({ timeoutMs: PATIENCE_MS }).catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'not-running') return error
    throw error
  })
  if (client instanceof AppError) return withoutNode(run, client)
  const { health } = await client.call('ladder')
  const isAwake = health !== 'off' && health !== 'starting'
  if (isAwake && !run.has('no-test')) {
    // A node that its budget put to sleep has nothing to test.
    await client.call('selfTest').catch((error: unknown) => {
      if (!(error instanceof AppError) || error.code !== 'not-running') throw error
    })
  }
  const address = run.valueOf('via')
  const via = address === undefined ? undefined : await client.call('verifyVia', { address })
  const ladder = await client.call('ladder')
  await run.answer({ ...ladder, ...(via && { via }) }, view => showLadder(ladder, view, via))
  return CODES[ladder.health]
}

interface PortCheck {
  setting: string
  port: number
  state: 'free' | 'taken' | 'unusable'
  cause?: string
}

/** No node: the ports that it would open, and a firewall that would be in their way. */
async function withoutNode(run: Run, why: AppError): Promise<number> {
  const { settings } = loadSettings({
    argv: ['--data-dir', run.dataDir],
    env: run.env,
    entry: 'headless'
  })
  const ports = await Promise.all(portsOf(settings).map(checkPort))
  const firewalls = await findFirewalls(thisSystem)
  const answer = { health: 'not-running', cause: why.message, ports, firewalls }
  await run.answer(answer, () => [
    'not running',
    `  ${why.message}`,
    '',
    ...ports.map(({ setting, port, state, cause = '' }) => `${setting} ${port}: ${state} ${cause}`.trimEnd()),
    ...firewalls.map(wall)
  ])
  return NOT_RUNNING
}

const wall = ({ name, allowed }: FirewallInfo): string => {
  const known = allowed === undefined ? '' : ` It lets in: ${[allowed].flat().join(', ') || 'nothing of it'}.`
  return `A firewall of this machine is on: ${firewallName(name)}.${known}`
}

interface PortWanted {
  setting: string
  protocol: 'tcp' | 'udp'
  port: number
  host: string
}

function portsOf(settings: Settings): PortWanted[] {
  const hosts = [...settings['listen.ip4'], ...settings['listen.ip6']].slice(0, 1)
  const each = (name: 'tcp' | 'quic' | 'ws' | 'webrtcDirect', protocol: 'tcp' | 'udp'): PortWanted[] =>
    settings[`${name}.enabled`]
      ? hosts.map(host => ({ setting: `${name}.port`, protocol, port: settings[`${name}.port`], host }))
      : []
  return [...each('tcp', 'tcp'), ...each('quic', 'udp'), ...each('ws', 'tcp'), ...each('webrtcDirect', 'udp')]
}

/** Opens it, and closes it again. */
async function checkPort({ setting, protocol, port, host }: PortWanted): Promise<PortCheck> {
  try {
    await (protocol === 'tcp' ? openTcp(port, host) : openUdp(port, host))
    return { setting, port, state: 'free' }
  } catch (error) {
    const state = systemCode(error) === 'EADDRINUSE' ? 'taken' : 'unusable'
    return { setting, port, state, cause: `(${messageOf(error)})` }
  }
}

function openTcp(port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject).listen({ port, host }, () => server.close(() => resolve()))
  })
}

function openUdp(port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    socket.once('error', error => {
      socket.close()
      reject(error)
    })
    socket.bind({ port, address: host, exclusive: true }, () => socket.close(() => resolve()))
  })
}

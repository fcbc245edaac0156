import { messageOf } from '../shared/errors.ts'
import type { Settings } from '../shared/settings.ts'
import { createPublicHttp, type Health, type PublicHttp } from './net/public-http.ts'
import type { NodeRunner } from './node-runner.ts'
import type { Log } from './observe/log.ts'
import { agentVersionOf } from './relay/node.ts'

export interface PublicPagesComponents {
  log: Log
  runner: Pick<NodeRunner, 'node' | 'mode'>
  peerId: string
  /** A sentence for the status as well as the log. */
  warn: (sentence: string) => void
}

export interface PublicPagesOptions {
  settings: Settings
  version: string
  /** By flag: then they must open. */
  askedFor: boolean
}

/** Opens the identity and health pages; undefined where they cannot be had: the relay does without. */
export async function openPublicPages(
  { log, runner, peerId, warn }: PublicPagesComponents,
  { settings, version, askedFor }: PublicPagesOptions
): Promise<PublicHttp | undefined> {
  const http = createPublicHttp(
    {
      log,
      version,
      identity: () => ({
        peer_id: peerId,
        addresses: runner.node?.addresses.all ?? [],
        protocol_version: settings['identity.protocolVersion'],
        agent_version: agentVersionOf(settings, version)
      }),
      health: () => healthOf(runner)
    },
    {
      hosts: [...settings['listen.ip4'], ...settings['listen.ip6']],
      port: settings['http.port'],
      requestsPerIpPerMinute: settings['http.requestsPerIpPerMinute']
    }
  )
  try {
    await http.start()
    return http
  } catch (error) {
    if (askedFor) throw error
    warn(messageOf(error))
    return undefined
  }
}

function healthOf({ node, mode: { mode } }: PublicPagesComponents['runner']): Health {
  const draining = mode !== 'open' && mode !== 'paused'
  return {
    alive: true,
    listening: node !== undefined && node.addresses.listening.length > 0,
    draining,
    reasons: draining ? [mode] : []
  }
}

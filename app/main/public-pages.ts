import type { ModeInfo } from '../shared/api.ts'
import { messageOf } from '../shared/errors.ts'
import type { Settings } from '../shared/settings.ts'
import { Follower } from './net/follower.ts'
import { createPublicHttp, type Health, type PublicHttp } from './net/public-http.ts'
import type { Upgrades } from './net/upgrades.ts'
import type { Log } from './observe/log.ts'
import { agentVersionOf } from './relay/node.ts'

export interface PublicPagesComponents {
  log: Log
  /** What the pages tell of. */
  runner: {
    readonly node: { readonly addresses: { all: string[]; listening: string[] } } | undefined
    readonly mode: ModeInfo
  }
  peerId: () => string
  /** Answers by HTTPS, too. */
  front: { readonly upgrades: Upgrades; serve(answer: PublicHttp['answer']): void }
  /** By which they are to be open; undefined: they are to be closed. */
  settings: () => Settings | undefined
}

export interface PublicPagesOptions {
  version: string
}

/** What the pages are made of: with other values they are opened anew. */
const MADE_OF = [
  'http.enabled',
  'http.port',
  'listen.ip4',
  'listen.ip6',
  'trustedProxies',
  'identity.protocolVersion',
  'identity.agentVersion'
] as const

/** The identity and health pages, open or closed as the settings and the mode ask for. */
export class PublicPages {
  readonly #components: PublicPagesComponents
  readonly #options: PublicPagesOptions
  #http: PublicHttp | undefined
  #warning: string | undefined
  /** What the log has been told of already. */
  #told: string | undefined
  #requestsPerIpPerMinute = 0
  readonly #follower: Follower

  constructor(components: PublicPagesComponents, options: PublicPagesOptions) {
    this.#components = components
    this.#options = options
    this.#follower = new Follower(
      { settings: () => this.#settings(), reopen: wanted => this.#reopen(wanted) },
      { madeOf: MADE_OF, opens: settings => settings['http.enabled'] }
    )
  }

  get urls(): string[] {
    return this.#http?.addresses() ?? []
  }

  /** Why they could not be opened: the relay does without, and tries again. */
  get warnings(): string[] {
    return this.#warning === undefined ? [] : [this.#warning]
  }

  /** Opens them, if they are to be open; from then on they follow. @throws AppError where they cannot be opened */
  start(): Promise<void> {
    return this.#follower.start()
  }

  /** To be called when the settings or the mode have changed. What goes wrong is among the warnings. */
  follow(): void {
    this.#follower.follow()
  }

  /** Until they follow the next time. */
  close(): Promise<void> {
    return this.#follower.close()
  }

  stop(): Promise<void> {
    return this.#follower.stop()
  }

  /** Those of the moment, of which the limit applies at once. */
  #settings(): Settings | undefined {
    const settings = this.#components.settings()
    this.#requestsPerIpPerMinute = settings?.['http.requestsPerIpPerMinute'] ?? 0
    this.#http?.setRequestsPerIpPerMinute(this.#requestsPerIpPerMinute)
    return settings
  }

  async #reopen(wanted: Settings | undefined): Promise<void> {
    await this.#close()
    if (wanted !== undefined) await this.#open(wanted)
  }

  async #open(settings: Settings): Promise<void> {
    const { log, runner, peerId } = this.#components
    const { version } = this.#options
    const http = createPublicHttp(
      {
        log,
        version,
        identity: () => ({
          peer_id: peerId(),
          addresses: runner.node?.addresses.all ?? [],
          protocol_version: settings['identity.protocolVersion'],
          agent_version: agentVersionOf(settings, version)
        }),
        health: () => healthOf(runner),
        upgrades: this.#components.front.upgrades
      },
      {
        hosts: [...settings['listen.ip4'], ...settings['listen.ip6']],
        port: settings['http.port'],
        requestsPerIpPerMinute: this.#requestsPerIpPerMinute,
        trustedProxies: settings.trustedProxies
      }
    )
    try {
      await http.start()
      this.#http = http
      this.#told = undefined
      this.#components.front.serve(http.answer)
    } catch (error) {
      this.#warning = messageOf(error)
      if (this.#warning !== this.#told) log.warn(this.#warning)
      this.#told = this.#warning
      this.#follower.tryAgain()
      throw error
    }
  }

  async #close(): Promise<void> {
    const http = this.#http
    this.#http = undefined
    this.#warning = undefined
    this.#components.front.serve(undefined)
    await http?.stop()
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

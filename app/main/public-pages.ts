import type { ModeInfo } from '../shared/api.ts'
import { messageOf } from '../shared/errors.ts'
import type { Settings } from '../shared/settings.ts'
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
  #requestsPerIpPerMinute = 0
  /** What was asked for last; empty: closed. */
  #made = ''
  /** Between `start` and `stop`. */
  #follows = false
  /** One thing at a time. */
  #queue: Promise<void> = Promise.resolve()

  constructor(components: PublicPagesComponents, options: PublicPagesOptions) {
    this.#components = components
    this.#options = options
  }

  get urls(): string[] {
    return this.#http?.addresses() ?? []
  }

  /** Why they could not be opened: the relay does without. */
  get warnings(): string[] {
    return this.#warning === undefined ? [] : [this.#warning]
  }

  /** Opens them, if they are to be open; from then on they follow. @throws AppError where they cannot be opened */
  start(): Promise<void> {
    this.#follows = true
    return this.#bringTo(this.#components.settings())
  }

  /** To be called when the settings or the mode have changed. What goes wrong is among the warnings. */
  follow(): void {
    if (this.#follows) this.#bringTo(this.#components.settings()).catch(() => {})
  }

  /** Until they follow the next time. */
  close(): Promise<void> {
    return this.#bringTo(undefined)
  }

  stop(): Promise<void> {
    this.#follows = false
    return this.close()
  }

  /** Opens them by these settings, if they are open by others or not at all. */
  #bringTo(settings: Settings | undefined): Promise<void> {
    const wanted = settings?.['http.enabled'] === true ? settings : undefined
    const made = wanted === undefined ? '' : JSON.stringify(MADE_OF.map(key => wanted[key]))
    this.#requestsPerIpPerMinute = settings?.['http.requestsPerIpPerMinute'] ?? 0
    this.#http?.setRequestsPerIpPerMinute(this.#requestsPerIpPerMinute)
    if (made === this.#made) return this.#queue
    this.#made = made
    const result = this.#queue.then(async () => {
      await this.#close()
      if (wanted !== undefined) await this.#open(wanted)
    })
    this.#queue = result.catch(() => {})
    return result
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
      this.#components.front.serve(http.answer)
    } catch (error) {
      this.#warning = messageOf(error)
      log.warn(this.#warning)
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

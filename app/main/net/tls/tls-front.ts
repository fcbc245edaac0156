import { isIPv6, type AddressInfo } from 'node:net'
import type { SecureVersion } from 'node:tls'
import { messageOf } from '../../../shared/errors.ts'
import type { TlsInfo } from '../../../shared/api.ts'
import type { Key, Settings } from '../../../shared/settings.ts'
import { opensTls } from '../../../shared/values.ts'
import { bindError } from '../bind-error.ts'
import { Follower } from '../follower.ts'
import { TrustedProxies } from '../forwarded.ts'
import { SOCKET_LIMITS, type RequestHandler, type SocketLimits } from '../http-sockets.ts'
import type { Upgrades } from '../upgrades.ts'
import { CertificateFiles } from './certificate-files.ts'
import { certificateWarnings } from './certificate-warnings.ts'
import { Certificates, type CertificateSource, type Pem } from './certificates.ts'
import { TlsServer, type Arrivals } from './tls-server.ts'

export interface TlsFrontComponents {
  log: { info(sentence: string): void; warn(sentence: string): void }
  upgrades: Upgrades
  arrivals: Arrivals
  /** By which it is to be open; undefined: it is to be closed. */
  settings: () => Settings | undefined
}

export interface TlsFrontOptions {
  socketLimits?: Partial<SocketLimits>
  /** How often the files of the certificate are looked at. */
  lookMs?: number
}

/** Where it listens. */
export interface Place {
  host: string
  port: number
}

const LOOK_MS = 5_000
/** How soon it is noticed that a certificate grows old. */
const DATES_MS = 3_600_000
const NOT_RENEWED = 'The certificate of tls.port was not renewed:'
const FILE_SETTINGS = {
  certificate: 'tls.cert',
  key: 'tls.key',
  instead: 'leave tls.cert and tls.key out'
} as const

/** What it is made of: with other values it is opened anew. */
const MADE_OF: readonly Key[] = [
  'tls.port',
  'tls.cert',
  'tls.key',
  'tls.minVersion',
  'ws.autoTls',
  'listen.ip4',
  'listen.ip6',
  'trustedProxies',
  // For the warning about it.
  'announceHost'
]

/**
 * The one public listener of TLS (setting `tls.port`): HTTPS of the public pages, and Secure WebSocket of libp2p and of
 * others, told apart by their path. It opens as soon as there is a certificate.
 */
export class TlsFront {
  readonly upgrades: Upgrades
  readonly #components: TlsFrontComponents
  readonly #options: TlsFrontOptions
  readonly #certificates = new Certificates()
  readonly #listeners = new Set<() => void>()
  #answer: RequestHandler | undefined
  #files: CertificateFiles | undefined
  #server: TlsServer | undefined
  #places: Place[] = []
  #warning: string | undefined
  /** Hosts that this machine does not have. */
  #unbound: string[] = []
  #told: ReadonlySet<string> = new Set()
  #toldOfPort: string | undefined
  #timer: ReturnType<typeof setInterval> | undefined
  /** What was asked for last. */
  #wanted: Settings | undefined
  readonly #follower: Follower

  constructor(components: TlsFrontComponents, options: TlsFrontOptions = {}) {
    this.#components = components
    this.#options = options
    this.upgrades = components.upgrades
    const { settings } = components
    const reopen = this.#reopen.bind(this)
    this.#follower = new Follower({ settings, reopen }, { madeOf: MADE_OF, opens: opensTls })
  }

  /** Empty while it is closed. */
  get places(): readonly Place[] {
    return this.#places
  }

  /** `https://NAME:PORT`, by a name of its certificate where there is one. */
  get urls(): string[] {
    return this.#places.map(({ host, port }) => {
      const names = this.#certificates.facts().flatMap(facts => facts.names)
      // What only says that any may be.
      const name = names.find(each => !each.startsWith('*')) ?? host
      return `https://${isIPv6(name) ? `[${name}]` : name}${port === 443 ? '' : `:${port}`}`
    })
  }

  get info(): TlsInfo {
    return {
      addresses: this.#places.map(({ host, port }) => `${isIPv6(host) ? `[${host}]` : host}:${port}`),
      certificates: this.#certificates.facts().map(({ validFrom, validTo, ...facts }) => ({
        ...facts,
        validFrom: validFrom.toISOString(),
        validTo: validTo.toISOString()
      }))
    }
  }

  /** In seconds since 1970. */
  get certificateEnds(): Partial<Record<CertificateSource, number>> {
    const ends = this.#certificates
      .facts()
      .map(({ source, validTo }) => [source, Math.floor(validTo.getTime() / 1000)] as const)
    return Object.fromEntries(ends)
  }

  /** Whether a client that goes by this host name or IP address takes the certificate for it. */
  isNamed(host: string): boolean {
    return this.#certificates.names(host)
  }

  /** What is wrong now; the log has it once. */
  get warnings(): string[] {
    const trouble = [this.#warning, this.#files?.trouble].filter(warning => warning !== undefined)
    return [...trouble, ...this.#unbound, ...this.#ofCertificates()]
  }

  #ofCertificates(): string[] {
    return certificateWarnings(this.#certificates.facts(), {
      nowMs: Date.now(),
      announceHost: this.#wanted?.announceHost ?? '',
      isNamed: host => this.isNamed(host)
    })
  }

  /** Tells the log what it does not know yet. */
  #tellOfCertificates(): void {
    const sentences = this.#ofCertificates()
    for (const sentence of sentences) if (!this.#told.has(sentence)) this.#components.log.warn(sentence)
    this.#told = new Set(sentences)
  }

  /** Opens, if there is a certificate; follows the settings from then on. @throws AppError where it cannot be opened */
  start(): Promise<void> {
    return this.#follower.start()
  }

  /** To be called when the settings have changed. What goes wrong is among the warnings. */
  follow(): void {
    this.#follower.follow()
  }

  /** Until it follows the next time. */
  close(): Promise<void> {
    return this.#follower.close()
  }

  stop(): Promise<void> {
    return this.#follower.stop()
  }

  /** Takes a certificate for connections from now on, or does without. @throws where TLS can serve no such thing */
  use(source: CertificateSource, pem: Pem | undefined): void {
    this.#certificates.use(source, pem)
    this.#tellOfCertificates()
    this.#follower.inTurn(() => this.#openOrClose()).catch(() => {})
  }

  /** Who answers requests; without anyone they get 404. */
  serve(answer: RequestHandler | undefined): void {
    this.#answer = answer
  }

  /** Is told whenever it has opened, or closed. Returns what ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Looks at the files of the certificate now. */
  async look(): Promise<void> {
    await this.#files?.look()
  }

  async #reopen(wanted: Settings | undefined, settings: Settings | undefined): Promise<void> {
    await this.#closeAll()
    this.#wanted = wanted
    if (settings?.['ws.autoTls'] === false) this.#certificates.use('auto-tls', undefined)
    if (wanted === undefined) return
    this.#timer = setInterval(() => this.#tellOfCertificates(), DATES_MS).unref()
    this.#certificates.setMinVersion(`TLSv${wanted['tls.minVersion']}` as SecureVersion)
    const [files] = await Promise.allSettled([this.#followFiles(wanted)])
    await this.#openOrClose()
    if (files.status === 'rejected') throw files.reason
  }

  async #followFiles(settings: Settings): Promise<void> {
    const paths = { certificate: settings['tls.cert'], key: settings['tls.key'] }
    if (paths.certificate === '') return
    const { log } = this.#components
    const files = new CertificateFiles(
      {
        use: pem => {
          const isNew = this.#files === files
          this.use('files', pem)
          if (isNew) log.info('there is a new certificate for tls.port')
        },
        warn: sentence => log.warn(this.#certificates.size === 0 ? sentence : `${NOT_RENEWED} ${sentence}`)
      },
      { paths, settings: FILE_SETTINGS, everyMs: this.#options.lookMs ?? LOOK_MS }
    )
    try {
      await files.start()
    } finally {
      this.#files = files
    }
  }

  async #openOrClose(): Promise<void> {
    const wanted = this.#wanted
    if (wanted === undefined || this.#certificates.size === 0) return this.#closeServer()
    if (this.#server !== undefined) return
    try {
      await this.#open(wanted)
    } catch (error) {
      const warning = messageOf(error)
      // Tried again, also with each certificate: the log has it once.
      if (warning !== this.#toldOfPort) this.#components.log.warn(warning)
      this.#warning = this.#toldOfPort = warning
      this.#follower.tryAgain()
      throw error
    }
  }

  async #open(settings: Settings): Promise<void> {
    const { upgrades, arrivals } = this.#components
    const hosts = [...settings['listen.ip4'], ...settings['listen.ip6']]
    const port = settings['tls.port']
    const server = new TlsServer(
      {
        upgrades,
        arrivals,
        proxies: new TrustedProxies(settings.trustedProxies),
        contextFor: name => this.#certificates.contextFor(name),
        answer: (request, response) => {
          if (this.#answer !== undefined) return this.#answer(request, response)
          response.writeHead(404, { connection: 'close' }).end()
        }
      },
      { hosts, port, limits: { ...SOCKET_LIMITS, ...this.#options.socketLimits } }
    )
    try {
      const { servers, unbound } = await server.open()
      if (servers.length === 0) throw unbound[0]?.error as Error
      this.#unbound = unbound.map(({ host }) => unboundWarning(host))
      for (const sentence of this.#unbound) this.#components.log.warn(sentence)
      this.#server = server
      this.#toldOfPort = undefined
      this.#places = servers.map(each => {
        const { address, port: bound } = each.address() as AddressInfo
        return { host: address, port: bound }
      })
    } catch (error) {
      throw bindError(error, {
        what: `TCP port ${port} of HTTPS and secure WebSocket (tls.port)`,
        remedy:
          port < 1024
            ? 'choose another with --tls-port N, or let the program open low ports (docs/server.md)'
            : 'choose another with --tls-port N, or leave tls.cert and ws.autoTls out',
        details: { setting: 'tls.port', port }
      })
    }
    for (const listener of this.#listeners) listener()
  }

  async #closeAll(): Promise<void> {
    clearInterval(this.#timer)
    this.#files?.stop()
    this.#files = undefined
    this.#certificates.use('files', undefined)
    await this.#closeServer()
  }

  async #closeServer(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    this.#places = []
    this.#unbound = []
    this.#warning = undefined
    if (server === undefined) return
    await server.close()
    for (const listener of this.#listeners) listener()
  }
}

function unboundWarning(host: string): string {
  const setting = isIPv6(host) ? 'listen.ip6' : 'listen.ip4'
  return `HTTPS and secure WebSocket do not listen on ${host}: this machine has no such address (${setting}).`
}

import type { Multiaddr } from '@multiformats/multiaddr'
import type { AutoTlsInfo } from '../../../shared/api.ts'
import { messageOf } from '../../../shared/errors.ts'
import { AutoTlsError } from './failures.ts'
import { heldOf, type AutoTlsFiles, type Held, type Pem } from './files.ts'

export interface Order {
  addresses: readonly Multiaddr[]
  signal: AbortSignal
  /** The forge has taken the name. */
  registered: () => void
}

export interface AutoTlsComponents {
  files: Pick<AutoTlsFiles, 'certificate' | 'keepCertificate'>
  /** @throws AutoTlsError */
  order: (order: Order) => Promise<Pem>
  /** Where others can reach the node, as far as it knows: given by the settings, or verified. */
  addresses: () => Multiaddr[]
  /** Serves secure WebSocket with this certificate from now on; undefined: with none. */
  use: (pem: Pem | undefined) => void
  changed: (info: AutoTlsInfo) => void
}

export interface AutoTlsOptions {
  /** The node's own: the certificate is for every name in it. */
  domain: string
}

/** How soon an address that was verified is noticed. */
const LOOK_MS = 5_000
/** Let's Encrypt takes five failed validations an hour; whoever asks oftener is turned away for longer. */
const FIRST_RETRY_MS = 5 * 60_000
const LAST_RETRY_MS = 12 * 3_600_000
/** Other addresses are worth a try before the time is up, but not one for each of them. */
const OTHERS_MS = 60_000
const ATTEMPT_MS = 10 * 60_000
/** The share of a certificate's life after which the next one is asked for. */
const RENEW_AFTER = 2 / 3
/** Timers run to their end also while the machine sleeps, so none is set for longer. */
const LONGEST_TIMER_MS = 15 * 60_000

type Doing = Pick<AutoTlsInfo, 'state' | 'code' | 'detail' | 'cause' | 'retryAt'>

/** Gets a certificate once the node is reached from outside, and renews it. */
export class AutoTls {
  readonly #components: AutoTlsComponents
  readonly #domain: string
  readonly #stopping = new AbortController()
  #held: Held | undefined
  #doing: Doing = { state: 'waiting' }
  #since = Date.now()
  #said = ''
  #failures = 0
  #retryAt = 0
  /** What the last attempt was made with, and when. */
  #tried = { addresses: '', at: 0 }
  #ordering = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(components: AutoTlsComponents, { domain }: AutoTlsOptions) {
    this.#components = components
    this.#domain = domain
  }

  /** The domain that names are served under now; undefined without a certificate. */
  get domain(): string | undefined {
    return this.#held === undefined ? undefined : this.#domain
  }

  get info(): AutoTlsInfo {
    const held = this.#held
    return {
      ...this.#doing,
      since: new Date(this.#since).toISOString(),
      name: `*.${this.#domain}`,
      ...(held !== undefined && {
        validTo: held.validTo.toISOString(),
        renewsAt: new Date(renewalOf(held)).toISOString()
      })
    }
  }

  async start(): Promise<void> {
    const held = await this.#components.files.certificate(this.#domain).catch((error: unknown) => {
      this.#set(failed(new AutoTlsError('disk', messageOf(error))))
      return undefined
    })
    if (held !== undefined && held.validTo.getTime() > Date.now()) this.#use(held)
    this.#look()
  }

  /** What it holds stays in use: it is good without us. */
  stop(): void {
    this.#stopping.abort()
    clearTimeout(this.#timer)
  }

  #look(): void {
    clearTimeout(this.#timer)
    if (this.#ordering || this.#stopping.signal.aborted) return
    const wait = this.#step(Date.now())
    if (wait !== undefined) this.#timer = setTimeout(() => this.#look(), Math.min(wait, LONGEST_TIMER_MS))
  }

  /** Returns after how long to look again; undefined while a certificate is on order. */
  #step(now: number): number | undefined {
    if (this.#held !== undefined && this.#held.validTo.getTime() <= now) this.#use(undefined)
    if (this.#held !== undefined && now < renewalOf(this.#held)) {
      if (this.#doing.state !== 'held') this.#set({ state: 'held' })
      return renewalOf(this.#held) - now
    }
    const addresses = this.#components.addresses()
    const text = addresses.map(String).sort().join(' ')
    const areOthers = text !== this.#tried.addresses && now - this.#tried.at >= OTHERS_MS
    if (now < this.#retryAt && !(areOthers && addresses.length > 0))
      return Math.min(this.#retryAt - now, LOOK_MS)
    if (addresses.length === 0) {
      this.#set({ state: 'waiting' })
      return LOOK_MS
    }
    this.#tried = { addresses: text, at: now }
    this.#ordering = true
    void this.#order(addresses).finally(() => {
      this.#ordering = false
      this.#look()
    })
    return undefined
  }

  async #order(addresses: Multiaddr[]): Promise<void> {
    this.#set({ state: 'registering' })
    const stopping = this.#stopping.signal
    const signal = AbortSignal.any([stopping, AbortSignal.timeout(ATTEMPT_MS)])
    const registered = (): void => {
      if (this.#doing.state === 'registering') this.#set({ state: 'requesting' })
    }
    try {
      const pem = await this.#components.order({ addresses, signal, registered })
      const held = heldOf(pem, this.#domain)
      if (held === undefined) throw new AutoTlsError('unusable')
      if (stopping.aborted) return
      // The next would be asked for at once, and be no newer.
      const isOld = renewalOf(held) <= Date.now()
      if (held.validTo.getTime() > Date.now()) this.#use(held)
      if (isOld) throw new AutoTlsError('clock')
      this.#failures = 0
      this.#set({ state: 'held', ...(await this.#keep(held)) })
    } catch (error) {
      if (stopping.aborted) return
      this.#fail(error instanceof AutoTlsError ? error : new AutoTlsError('acme-failed', messageOf(error)))
    }
  }

  /** A full disk is no reason to go without, as long as the program runs. */
  async #keep(pem: Pem): Promise<Partial<Doing>> {
    try {
      await this.#components.files.keepCertificate(pem)
      return {}
    } catch (error) {
      const { code, cause, detail } = failed(new AutoTlsError('disk', messageOf(error)))
      return { code, cause, detail }
    }
  }

  #fail(error: AutoTlsError): void {
    const wait = Math.min(FIRST_RETRY_MS * 2 ** this.#failures, LAST_RETRY_MS)
    this.#failures++
    // Those whom one failure of the forge has met do not all come back at once.
    const spread = Math.round(wait * (0.9 + 0.2 * Math.random()))
    this.#retryAt = Date.now() + Math.max(spread, Math.min(error.retryAfterMs, LAST_RETRY_MS))
    this.#set({ ...failed(error), retryAt: new Date(this.#retryAt).toISOString() })
  }

  #use(held: Held | undefined): void {
    this.#held = held
    this.#retryAt = 0
    this.#components.use(held && { cert: held.cert, key: held.key })
  }

  #set(doing: Doing): void {
    if (doing.state !== this.#doing.state || doing.code !== this.#doing.code) this.#since = Date.now()
    this.#doing = doing
    const { info } = this
    const said = JSON.stringify(info)
    if (said === this.#said) return
    this.#said = said
    this.#components.changed(info)
  }
}

function failed({ code, message, said }: AutoTlsError): Doing {
  return { state: 'failed', code, cause: message, ...(said !== '' && { detail: said }) }
}

function renewalOf({ validFrom, validTo }: Held): number {
  return validFrom.getTime() + (validTo.getTime() - validFrom.getTime()) * RENEW_AFTER
}

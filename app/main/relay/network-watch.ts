import { networkInterfaces } from 'node:os'
import { defaultGateway } from './mapping/default-gateway.ts'

/** `woke`: the machine slept; `networks`: its addresses, or its way out, are not what they were. */
export type NetworkChange = 'woke' | 'networks'

export interface NetworkWatchComponents {
  /** Milliseconds of the wall clock: it goes on while the machine sleeps, which timers do not everywhere. */
  wallClock?: () => number
  /** All that says which networks the machine is in. */
  networks?: () => Promise<string> | string
}

const LOOK_MS = 5_000
/** A look that comes later than this was kept from it by sleep. (A clock that is set has the same look; no harm.) */
const SLEPT_MS = 20_000

/** Notices that the machine has slept, or is in another network than before: by looking, as no system tells it alike. */
export class NetworkWatch {
  readonly #wallClock: () => number
  readonly #networks: () => Promise<string> | string
  readonly #listeners = new Set<(change: NetworkChange) => void>()
  #known: string | undefined
  #lookedAt: number | undefined
  #timer: ReturnType<typeof setInterval> | undefined

  constructor({ wallClock = () => Date.now(), networks = networksNow }: NetworkWatchComponents = {}) {
    this.#wallClock = wallClock
    this.#networks = networks
  }

  start(): void {
    // Where a system does not tell its interfaces, there is nothing to notice.
    const look = (): void => void this.look().catch(() => {})
    this.#timer ??= setInterval(look, LOOK_MS)
    look()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** The returned function ends it. */
  onChange(listener: (change: NetworkChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Looks now, and says what has changed since the last look. */
  async look(): Promise<void> {
    const now = this.#wallClock()
    const hasSlept = this.#lookedAt !== undefined && now - this.#lookedAt >= SLEPT_MS
    this.#lookedAt = now
    const networks = await this.#networks()
    const isOther = this.#known !== undefined && networks !== this.#known
    this.#known = networks
    if (!hasSlept && !isOther) return
    for (const listener of this.#listeners) listener(hasSlept ? 'woke' : 'networks')
  }
}

/** Addresses that lead somewhere; and the way out, where asking for it takes no program. */
async function networksNow(): Promise<string> {
  const addresses = Object.entries(networkInterfaces()).flatMap(([name, all = []]) =>
    all
      .filter(({ internal, address }) => !internal && !/^(169\.254\.|fe[89ab])/i.test(address))
      .map(({ address }) => `${name} ${address}`)
  )
  const isCheap = process.platform === 'linux' || process.platform === 'android'
  const wayOut = isCheap ? await defaultGateway() : undefined
  return [...addresses.sort(), wayOut ?? ''].join('\n')
}

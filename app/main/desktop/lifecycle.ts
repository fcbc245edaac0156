export interface LifecycleComponents {
  node: {
    readonly drainSeconds: number
    drain(seconds: number): Promise<void>
    stop(): Promise<void>
  }
  /** The person sees that it drains. */
  showEnding: () => void
  /** Ends the process, without asking anyone. */
  exit: (code: number) => void
  log: { info(values: object, message: string): void; warn(values: object, message: string): void }
  now: () => number
}

/** What comes this soon after the first asking is still the first: a Ctrl-C may arrive twice. */
const SAME_ASKING_MS = 500
/** Whatever still holds on has had its chance. */
const STOP_MS = 2_000

/** The end of the app: the node drains, unless it is asked for once more, or the system ends. */
export class Lifecycle {
  readonly #components: LifecycleComponents
  #askedAt: number | undefined
  #isEnded = false

  constructor(components: LifecycleComponents) {
    this.#components = components
  }

  /** It is about to end, or has. */
  get isEnding(): boolean {
    return this.#askedAt !== undefined
  }

  /** The node is closed: the app may go. */
  get isEnded(): boolean {
    return this.#isEnded
  }

  /** Lets circuits finish for that long, then ends the app. Asked for once more it ends at once. */
  quit(drainSeconds: number = this.#components.node.drainSeconds): void {
    const { now } = this.#components
    if (this.#askedAt === undefined) {
      this.#askedAt = now()
      void this.#end(drainSeconds)
    } else if (now() - this.#askedAt >= SAME_ASKING_MS) this.endNow()
  }

  /** The system goes down, or the person does not want to wait: circuits are ended. */
  endNow(): void {
    const { exit, log, node } = this.#components
    log.warn({}, 'stopping at once')
    this.#askedAt ??= this.#components.now()
    node
      .stop()
      .catch((error: unknown) => log.warn({ err: error }, 'the node did not stop cleanly'))
      .finally(() => exit(0))
    setTimeout(() => exit(0), STOP_MS).unref()
  }

  async #end(drainSeconds: number): Promise<void> {
    const { node, log, showEnding, exit } = this.#components
    log.info({ drainSeconds }, 'stopping: no new work is taken, circuits may finish')
    showEnding()
    try {
      await node.drain(drainSeconds)
      await node.stop()
    } catch (error) {
      log.warn({ err: error }, 'the node did not stop cleanly')
    } finally {
      this.#isEnded = true
      log.info({}, 'stopped')
      exit(0)
    }
  }
}

/** More crashes of the window than this in a minute, and reloading does not help. */
const RELOADS_A_MINUTE = 3

/** Says whether a crashed window is to be loaded again. */
export class ReloadLimit {
  #recent: number[] = []

  allows(now: number): boolean {
    this.#recent = [...this.#recent.filter(at => now - at < 60_000), now]
    return this.#recent.length <= RELOADS_A_MINUTE
  }

  reset(): void {
    this.#recent = []
  }
}

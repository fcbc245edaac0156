import type { SettingInfo } from '../../shared/api.ts'
import { parseNetwork, type Network } from '../../shared/network-link.ts'
import type { NodeState } from './node.svelte.ts'
import { changeFor, choiceFrom, helpedNow, networksNow, type Choice } from './welcome.ts'
import { errorText } from '../text/errors.ts'

/** What a person is choosing on the Welcome page. */
export class WelcomeForm {
  rate = $state(0)
  quota = $state(0)
  mapPorts = $state(false)
  checkUpdates = $state(false)
  startAtLogin = $state(false)
  whom = $state<Choice['help']['whom']>('nobody')
  /** As typed, pasted, or read from a file. */
  networkText = $state('')
  /** A field holds what is no amount. */
  unreadable = $state<Readonly<Record<string, boolean>>>({})
  /** What the settings say of whom to help. */
  readonly helped: ReturnType<typeof helpedNow>
  /** The networks of the settings. */
  readonly kept: readonly Network[]
  readonly #node: NodeState

  readonly read = $derived.by<{ network?: Network; problem?: string }>(() => {
    if (this.networkText.trim() === '') return {}
    try {
      return { network: parseNetwork(this.networkText) }
    } catch (error) {
      return { problem: errorText(error) }
    }
  })
  readonly #choice = $derived.by<Choice | undefined>(() => {
    const { rate, quota, mapPorts, checkUpdates, whom, read } = this
    const limits = { rateBytesPerSecond: rate, quotaBytesPerMonth: quota, mapPorts, checkUpdates }
    if (whom !== 'network') return { ...limits, help: { whom } }
    return read.network === undefined ? undefined : { ...limits, help: { whom, network: read.network } }
  })

  constructor(node: NodeState, { undecided }: { undecided: boolean }) {
    this.#node = node
    const { rateBytesPerSecond, quotaBytesPerMonth, mapPorts, checkUpdates, help } = choiceFrom(
      this.#settings,
      {
        undecided
      }
    )
    this.rate = rateBytesPerSecond
    this.quota = quotaBytesPerMonth
    this.mapPorts = mapPorts
    this.checkUpdates = checkUpdates
    this.startAtLogin = node.shell?.startAtLogin.on ?? false
    this.whom = help.whom
    this.helped = helpedNow(this.#settings)
    this.kept = networksNow(this.#settings)
  }

  get #settings(): readonly SettingInfo[] {
    return this.#node.settings?.settings ?? []
  }

  setting(key: string): SettingInfo | undefined {
    return this.#settings.find(setting => setting.key === key)
  }

  /** The flag or variable that keeps a setting from being chosen here. */
  lockedBy(key: string): string | undefined {
    const found = this.setting(key)
    return found?.locked === true ? (found.name ?? found.from) : undefined
  }

  get ready(): boolean {
    return this.#choice !== undefined && !Object.values(this.unreadable).some(Boolean)
  }

  /** A network to look at; nothing is contacted. */
  propose(text: string): void {
    this.networkText = text
    this.whom = 'network'
  }

  /** Whether the node that runs has to be opened anew for it. */
  get needsRestart(): boolean {
    if (this.#choice === undefined || this.#node.mode?.mode === 'off') return false
    const { values } = this.#change(this.#choice)
    return Object.entries(values).some(([key, value]) => {
      const setting = this.setting(key)
      return setting?.restart !== undefined && JSON.stringify(setting.value) !== JSON.stringify(value)
    })
  }

  /** Stores all of it at once, and restarts the node if it runs and has to. @throws ApiFault; nothing was changed then */
  async agree(): Promise<string[]> {
    if (this.#choice === undefined) return []
    const { api, shell } = this.#node.client
    const restart = this.needsRestart
    const { warnings } = await api.setSettings(this.#change(this.#choice))
    try {
      const login = this.#node.shell?.startAtLogin
      if (shell !== undefined && login?.supported === true && login.on !== this.startAtLogin) {
        this.#node.shell = await shell.setStartAtLogin({ on: this.startAtLogin })
      }
      if (restart) await api.restartNode()
    } finally {
      await this.#node.reload()
    }
    return warnings
  }

  async decline(): Promise<void> {
    await this.#node.client.api.setSettings({ values: { 'relay.enabled': false } })
    await this.#node.reload()
  }

  #change(choice: Choice): ReturnType<typeof changeFor> {
    return changeFor(choice, this.#settings, { isDesktop: this.#node.client.shell !== undefined })
  }
}

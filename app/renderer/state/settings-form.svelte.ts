import type { SettingInfo, SettingsChanged, SettingsCheck, WorstCase } from '../../shared/api.ts'
import { ApiFault } from '../client/client.ts'
import { decimalPoint } from '../text/format.ts'
import type { NodeState } from './node.svelte.ts'
import { changeOf, draftOf, resetDraft, type Draft, type Drafts } from './setting-drafts.ts'
import { errorText } from '../text/errors.ts'

const SETTLE_MS = 350

/** What a check or a save said against one or several settings. */
interface Refusal {
  keys: readonly string[]
  message: string
}

/**
 * The settings as they are being edited. Drafts are checked by the node all together, because some settings only fit
 * in pairs, and saved in one change. They stay until they are saved or taken back, also while another page is shown.
 */
export class SettingsForm {
  drafts = $state.raw<Drafts>({})
  saving = $state(false)
  #checked = $state.raw<SettingsCheck>()
  #refused = $state.raw<Refusal>()
  readonly #node: NodeState
  #timer: ReturnType<typeof setTimeout> | undefined
  #round = 0

  constructor(node: NodeState) {
    this.#node = node
  }

  get settings(): readonly SettingInfo[] {
    return this.#node.settings?.settings ?? []
  }

  readonly change = $derived.by(() => changeOf(this.settings, this.drafts, decimalPoint))
  readonly changedKeys = $derived([
    ...Object.keys(this.change.values),
    ...Object.keys(this.change.unreadable)
  ])
  readonly refusals = $derived.by<Refusal[]>(() => [
    ...(this.#checked?.problems ?? []).map(({ message, field, details }) => ({
      keys: String(details?.['settings'] ?? field ?? '').split(', '),
      message
    })),
    ...(this.#refused === undefined ? [] : [this.#refused])
  ])
  readonly canSave = $derived(
    Object.keys(this.change.values).length > 0 &&
      Object.keys(this.change.unreadable).length === 0 &&
      (this.#checked?.problems.length ?? 0) === 0
  )

  get needsRestart(): readonly string[] {
    return this.#checked?.needsRestart.filter(key => key in this.change.values) ?? []
  }

  /** What the settings as typed would allow in a month. */
  get worstCase(): WorstCase | undefined {
    return this.#checked?.worstCase
  }

  draft(info: SettingInfo): Draft {
    return this.drafts[info.key] ?? draftOf(info, decimalPoint)
  }

  edit(info: SettingInfo, part: Partial<Draft>): void {
    this.drafts = { ...this.drafts, [info.key]: { ...this.draft(info), reset: false, ...part } }
    this.#later()
  }

  reset(info: SettingInfo): void {
    this.drafts = { ...this.drafts, [info.key]: resetDraft(info, decimalPoint) }
    this.#later()
  }

  /** Takes back what was typed: for one setting, or for all. */
  discard(key?: string): void {
    this.drafts =
      key === undefined
        ? {}
        : Object.fromEntries(Object.entries(this.drafts).filter(([name]) => name !== key))
    this.#later()
  }

  /** Why this setting, as typed, would be refused by the node. Problems of several are told at each that was edited. */
  refusalOf(key: string): string | undefined {
    const shownElsewhere = (keys: readonly string[]): boolean => keys.some(name => name in this.drafts)
    return this.refusals.find(
      ({ keys }) => keys.includes(key) && (key in this.drafts || (!shownElsewhere(keys) && keys[0] === key))
    )?.message
  }

  /** @throws ApiFault, and everything typed is still there */
  async save(): Promise<SettingsChanged> {
    this.saving = true
    clearTimeout(this.#timer)
    this.#round++
    try {
      const { values } = this.change
      const changed = await this.#node.client.api.setSettings({ values })
      await this.#node.reloadSettings()
      const isOpen = (key: string): boolean => !(key in values)
      this.drafts = Object.fromEntries(Object.entries(this.drafts).filter(([key]) => isOpen(key)))
      this.#checked = undefined
      this.#refused = undefined
      return changed
    } catch (error) {
      const field = error instanceof ApiFault ? (error.details?.['settings'] ?? error.field) : undefined
      if (field !== undefined) this.#refused = { keys: String(field).split(', '), message: errorText(error) }
      throw error
    } finally {
      this.saving = false
    }
  }

  #later(): void {
    clearTimeout(this.#timer)
    this.#refused = undefined
    this.#timer = setTimeout(() => void this.#check(), SETTLE_MS)
  }

  async #check(): Promise<void> {
    const round = ++this.#round
    const { values } = this.change
    if (Object.keys(values).length === 0) {
      this.#checked = undefined
      return
    }
    // Without an answer nothing is said against it; saving has the last word.
    const checked = await this.#node.client.api.checkSettings({ values }).catch(() => undefined)
    if (round === this.#round) this.#checked = checked
  }
}

const forms = new WeakMap<NodeState, SettingsForm>()

/** The one form of a node: what was typed outlives a look at another page. */
export function formOf(node: NodeState): SettingsForm {
  const known = forms.get(node)
  if (known !== undefined) return known
  // What it derives would otherwise end with the component that asked first.
  $effect.root(() => void forms.set(node, new SettingsForm(node)))
  return formOf(node)
}

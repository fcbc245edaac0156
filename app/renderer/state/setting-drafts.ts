import type { SettingInfo } from '../../shared/api.ts'
import { amountOf, isQuantity, readAmount, readWhole } from './quantity.ts'

/** What stands in a setting's field, as typed: it is kept however wrong it is. */
export interface Draft {
  /** A list: an item a line. A switch: `true` or `false`. */
  text: string
  unit: string
  unlimited: boolean
  /** To be taken out of the file. */
  reset: boolean
  /** The setting's value when it began. */
  base: unknown
}

export type Drafts = Readonly<Record<string, Draft>>
export type Read = { ok: true; value: unknown } | { ok: false; problem: 'amount' | 'whole' }

export interface Change {
  values: Record<string, unknown>
  /** Keys whose text is no value. */
  unreadable: Record<string, 'amount' | 'whole'>
}

/** A setting's value as it is put into its field. */
export function draftOf({ kind, zeroIsUnlimited, value }: SettingInfo, decimal: string): Draft {
  const draft: Draft = { text: String(value), unit: '', unlimited: false, reset: false, base: value }
  if (Array.isArray(value)) return { ...draft, text: value.join('\n') }
  if (typeof value !== 'number') return draft
  const unlimited = zeroIsUnlimited === true && value === 0
  if (!isQuantity(kind)) return { ...draft, unlimited, text: unlimited ? '' : draft.text }
  const { text, unit } = amountOf(value, kind, decimal)
  return { ...draft, unlimited, unit, text: unlimited ? '' : text }
}

export function resetDraft(info: SettingInfo, decimal: string): Draft {
  return { ...draftOf({ ...info, value: info.default }, decimal), reset: true, base: info.value }
}

/** Whether someone else has changed the setting since the draft began: saving it would take that back. */
export function isOvertaken({ value }: SettingInfo, { base }: Draft): boolean {
  return JSON.stringify(base) !== JSON.stringify(value)
}

/** The value that a draft stands for. */
export function readDraft(
  { kind }: SettingInfo,
  { text, unit, unlimited, base }: Draft,
  decimal: string
): Read {
  if (unlimited) return { ok: true, value: 0 }
  if (isQuantity(kind)) return read(readAmount({ text, unit }, kind, decimal), 'amount')
  switch (kind) {
    case 'limit':
    case 'port':
      return read(readWhole(text, decimal), 'whole')
    case 'boolean':
      return { ok: true, value: text === 'true' }
    case 'list':
      return {
        ok: true,
        value: text
          .split(/[\n,]/)
          .map(item => item.trim())
          .filter(item => item !== '')
      }
    // Changed where they are shown, one at a time; here they are only taken out of the file.
    case 'networks':
      return { ok: true, value: base }
    default:
      return { ok: true, value: text.trim() }
  }
}

const read = (value: number | undefined, problem: 'amount' | 'whole'): Read =>
  value === undefined ? { ok: false, problem } : { ok: true, value }

/** What saving all drafts would change. A draft that says what is so already changes nothing. */
export function changeOf(settings: readonly SettingInfo[], drafts: Drafts, decimal: string): Change {
  const change: Change = { values: {}, unreadable: {} }
  for (const info of settings) {
    const draft = drafts[info.key]
    if (draft === undefined || info.locked) continue
    if (draft.reset) {
      if (info.from === 'file') change.values[info.key] = null
      continue
    }
    const result = readDraft(info, draft, decimal)
    if (!result.ok) change.unreadable[info.key] = result.problem
    else if (JSON.stringify(result.value) !== JSON.stringify(info.value))
      change.values[info.key] = result.value
  }
  return change
}

/** What a switch to another profile would change: only what nobody has set. */
export function profileChanges(
  settings: readonly SettingInfo[],
  profile: string
): { info: SettingInfo; to: unknown }[] {
  return settings.flatMap(info => {
    const to = info.profileDefaults?.[profile]
    const changes =
      info.from === 'default' && to !== undefined && JSON.stringify(to) !== JSON.stringify(info.value)
    return changes ? [{ info, to }] : []
  })
}

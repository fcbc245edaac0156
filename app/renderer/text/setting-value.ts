import type { SettingInfo } from '../../shared/api.ts'
import { amountOf, isQuantity } from '../state/quantity.ts'
import { common } from './common.ts'
import { count, decimalPoint, list } from './format.ts'
import { choiceName, settings as text, unitName } from './settings.ts'

/** A setting's value in words and the units of this page: exact, so that it can be typed in again. */
export function valueText({ key, kind, zeroIsUnlimited }: SettingInfo, value: unknown): string {
  if (typeof value === 'boolean') return value ? text.on : text.off
  if (Array.isArray(value)) return value.length === 0 ? text.noneSet : list(value.map(itemText))
  if (typeof value !== 'number') return value === '' ? text.noneSet : choiceName(key, String(value))
  if (value === 0 && zeroIsUnlimited === true) return common.noLimit
  if (!isQuantity(kind)) return kind === 'port' ? String(value) : count(value)
  const amount = amountOf(value, kind, decimalPoint)
  return `${amount.text} ${unitName(amount.unit)}`
}

/** An item of a list; a network by its name. */
function itemText(item: unknown): string {
  return typeof item === 'object' && item !== null && 'name' in item ? String(item.name) : String(item)
}

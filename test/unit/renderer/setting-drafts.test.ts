import { expect, test } from 'vitest'
import {
  changeOf,
  draftOf,
  isOvertaken,
  profileChanges,
  readDraft,
  resetDraft
} from '../../../app/renderer/state/setting-drafts.ts'
import type { SettingInfo } from '../../../app/shared/api.ts'
import { defaultOf, fieldOf, keys, PROFILES, type Key } from '../../../app/shared/settings.ts'

function info(key: Key, more: Partial<SettingInfo> = {}): SettingInfo {
  const { kind, zeroIsUnlimited, group, help, allowed, applies } = fieldOf(key)
  const value = defaultOf(key, 'home', 'desktop')
  return {
    key,
    kind,
    zeroIsUnlimited,
    group,
    help,
    allowed,
    applies,
    value,
    default: value,
    text: '',
    from: 'default',
    pending: false,
    locked: false,
    profileDefaults: Object.fromEntries(PROFILES.map(profile => [profile, defaultOf(key, profile)])),
    ...more
  }
}

test.each(keys)('%s as it is put into its field is read back as the same value', key => {
  for (const decimal of ['.', ',']) {
    const setting = info(key)
    expect(readDraft(setting, draftOf(setting, decimal), decimal)).toEqual({ ok: true, value: setting.value })
  }
})

test('no limit is a tick, and 0 where it is none is a number', () => {
  expect(draftOf(info('quota.bytesPerMonth', { value: 0 }), '.')).toMatchObject({ unlimited: true, text: '' })
  expect(draftOf(info('tcp.port', { value: 0 }), '.')).toMatchObject({ unlimited: false, text: '0' })
})

test('a list has an item a line; commas part items too', () => {
  const setting = info('access.deny', { value: ['192.0.2.1', '198.51.100.0/24'] })
  const draft = draftOf(setting, '.')
  expect(draft.text).toBe('192.0.2.1\n198.51.100.0/24')
  expect(readDraft(setting, { ...draft, text: ' 192.0.2.1 ,\n\n192.0.2.2' }, '.')).toEqual({
    ok: true,
    value: ['192.0.2.1', '192.0.2.2']
  })
})

test('only what differs is changed, and what is no value is named', () => {
  const [port, quota, rate] = [
    info('tcp.port'),
    info('quota.bytesPerMonth'),
    info('relay.rate.totalBytesPerSecond')
  ]
  const drafts = {
    'tcp.port': { ...draftOf(port, '.'), text: 'x' },
    'quota.bytesPerMonth': { ...draftOf(quota, '.'), text: '50' },
    'relay.rate.totalBytesPerSecond': draftOf(rate, '.')
  }
  expect(changeOf([port, quota, rate], drafts, '.')).toEqual({
    values: { 'quota.bytesPerMonth': 50_000_000_000 },
    unreadable: { 'tcp.port': 'whole' }
  })
})

test('a locked setting is never changed', () => {
  const port = info('tcp.port', { locked: true })
  expect(changeOf([port], { 'tcp.port': { ...draftOf(port, '.'), text: '1' } }, '.').values).toEqual({})
})

test('going back to the default takes the key out of the file', () => {
  const inFile = info('tcp.port', { value: 4555, from: 'file' })
  expect(resetDraft(inFile, '.')).toMatchObject({ text: '4001', reset: true })
  expect(changeOf([inFile], { 'tcp.port': resetDraft(inFile, '.') }, '.').values).toEqual({
    'tcp.port': null
  })
  expect(changeOf([info('tcp.port')], { 'tcp.port': resetDraft(info('tcp.port'), '.') }, '.').values).toEqual(
    {}
  )
})

test('another profile changes only what nobody has set', () => {
  const settings = [
    info('relay.circuits.total'),
    info('relay.reservations.total', { from: 'file' }),
    info('tcp.port')
  ]
  expect(profileChanges(settings, 'server').map(({ info, to }) => [info.key, to])).toEqual([
    ['relay.circuits.total', 512]
  ])
})

test('a draft knows that someone else changed its setting meanwhile', () => {
  const before = info('access.deny', { value: ['192.0.2.1'], from: 'file' })
  const after = { ...before, value: ['192.0.2.1', '192.0.2.2'] }
  for (const draft of [draftOf(before, '.'), resetDraft(before, '.')]) {
    expect(isOvertaken(before, draft)).toBe(false)
    expect(isOvertaken(after, draft)).toBe(true)
  }
})

import { expect, it } from 'vitest'
import { openFilesLimit, openFilesWarnings } from '../../../app/main/advise/open-files.ts'
import { defaultsOf, type Settings } from '../../../app/shared/settings.ts'

const settings = (changes: Partial<Settings>): Settings => ({ ...defaultsOf('server'), ...changes })

it.each<{ name: string; changes: Partial<Settings>; limit: number | undefined; warns: boolean }>([
  { name: 'a server that may open as many', changes: {}, limit: 65_536, warns: false },
  { name: 'a server with the limit of an old shell', changes: {}, limit: 1024, warns: true },
  { name: 'as many as it needs', changes: { 'connections.total': 924 }, limit: 1024, warns: false },
  { name: 'one less', changes: { 'connections.total': 925 }, limit: 1024, warns: true },
  { name: 'a system that tells no limit', changes: {}, limit: undefined, warns: false },
  {
    name: 'limits that were lifted',
    changes: { 'connections.total': 0, 'relay.circuits.total': 0 },
    limit: 1024,
    warns: false
  }
])('$name: warns $warns', ({ changes, limit, warns }) => {
  expect(openFilesWarnings(settings(changes), limit)).toHaveLength(warns ? 1 : 0)
})

it('says how many files it needs, and which setting would do with those it has', () => {
  const [sentence] = openFilesWarnings(settings({ 'connections.total': 2000 }), 1024)
  expect(sentence).toContain('Allow it 2100')
  expect(sentence).toContain('connections.total to 924')
})

it.skipIf(process.platform === 'win32')('knows the limit of this process', () => {
  expect(openFilesLimit()).toBeGreaterThan(100)
})

import { describe, expect, it } from 'vitest'
import { ladderWords } from '../../../app/renderer/text/ladder-words.ts'
import { LADDER_WORDS, ladderWords as english, type LadderCode } from '../../../app/shared/ladder-words.ts'

const DETAILS = {
  ...{ port: '4001/tcp', outer: '10.0.0.2', router: '192.168.1.1', firewall: 'ufw', servers: 3 },
  ...{
    count: 2,
    milliseconds: 5,
    mode: 'paused',
    said: 'No peer has tried to reach it yet.',
    why: 'no-gateway'
  }
}
/** What the system says about a port, or a fault, is in its own language. */
const AS_SAID = new Set<LadderCode>(['cannot-open', 'fault'])

describe('the sentences of the ladder', () => {
  it.each(Object.keys(LADDER_WORDS) as LadderCode[])('are there in German, with the same mends: %s', code => {
    const said = { code, details: DETAILS, ...english(code, DETAILS) }
    const german = ladderWords(said, 'de')
    if (!AS_SAID.has(code)) expect(german.cause).not.toBe(said.cause)
    expect(german.mend === undefined).toBe(said.mend === undefined && !('mend' in german))
    expect(`${german.cause} ${german.mend ?? ''}`).not.toMatch(/undefined|\[object/)
    expect(ladderWords(said, 'en')).toMatchObject({ cause: said.cause })
  })

  it('name the command that lets a port in', () => {
    const said = { code: 'firewall', details: DETAILS, ...english('firewall', DETAILS) }
    expect(ladderWords(said, 'de').mend).toContain('sudo ufw allow 4001/tcp')
  })

  it('stay as they are where the code is not known', () => {
    expect(ladderWords({ code: 'new', cause: 'Something new.', mend: 'Do it.' }, 'de')).toEqual({
      cause: 'Something new.',
      mend: 'Do it.'
    })
  })
})

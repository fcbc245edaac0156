import { describe, expect, it } from 'vitest'
import type { Version } from '../../../app/main/relay/reach/autonat.ts'
import { Evidence, type Verdict } from '../../../app/main/relay/reach/evidence.ts'

/** `a+2`: network a reached it, as it said by v2; `b-1`: network b could not, by v1. */
function evidenceOf(said: string, { observed = false } = {}): Evidence {
  const evidence = new Evidence({ observed })
  for (const [, network = '', sign, version] of said.matchAll(/(\w)([+-])(\d)/g)) {
    evidence.add(network, `v${version}` as Version, sign === '+' ? 'reached' : 'failed', 0)
  }
  return evidence
}

describe('what peers said of an address of this machine or its router', () => {
  it.each<[said: string, verdict: Verdict, why: string]>([
    ['', 'unknown', 'nobody said anything'],
    ['a+2', 'reachable', 'a dial back is proof'],
    ['a+1', 'unknown', 'one OK is a word'],
    ['a+1 a+1', 'unknown', 'a network has one voice'],
    ['a+1 b+1', 'reachable', 'two networks say so'],
    ['a-2 b-2', 'unknown', 'two may have a bad network'],
    ['a-2 a-2 a-2', 'unknown', 'a network has one voice'],
    ['a-2 b-1 c-2', 'unreachable', 'three networks failed'],
    ['a-2 b-2 x+2 c-2', 'reachable', 'only failures since the last success count'],
    ['x+2 a-2 b-2', 'reachable', 'it stands until three fail'],
    ['x+2 a-2 b-2 c-2', 'unreachable', 'three networks failed since'],
    ['x+1 a-2 b-2 c-2 y+1', 'unreachable', 'what was said before the failures is void'],
    ['a-2 b-2 c-2 x+2', 'reachable', 'it came back']
  ])('%j makes it %s: %s', (said, verdict) => {
    expect(evidenceOf(said).verdict).toBe(verdict)
  })
})

describe('what peers said of an address that only peers told of', () => {
  it.each<[said: string, verdict: Verdict]>([
    ['a+2', 'unknown'],
    ['a+2 b+2', 'reachable'],
    ['a+1 b+1 c+1', 'unknown'],
    ['a+1 b+1 c+1 d+1', 'reachable'],
    ['a+2 b+1 c+1', 'reachable']
  ])('%j makes it %s', (said, verdict) => {
    expect(evidenceOf(said, { observed: true }).verdict).toBe(verdict)
  })
})

it('does not add up what was said more than an hour apart', () => {
  const evidence = new Evidence({ observed: false })
  evidence.add('a', 'v1', 'reached', 0)
  evidence.add('b', 'v1', 'reached', 60 * 60_000 + 1)
  expect(evidence.verdict).toBe('unknown')
})

it.each<[said: string, cause: RegExp]>([
  ['', /^No peer has tried/],
  ['a-2', /^1 peer could not reach it; 3 must fail/],
  ['a+1', /^1 peer reached it; more must/],
  ['a+2', /^1 peer reached it \(AutoNAT v2\)/],
  ['a+2 b+1 c+1', /^3 peers of different networks reached it \(AutoNAT v1: 2, v2: 1\)/],
  ['a-1 b-1 c-1', /^3 peers of different networks could not reach it \(AutoNAT v1\)\. Forward TCP port 4001 /]
])('says of %j why', (said, cause) => {
  expect(evidenceOf(said).cause('TCP port 4001')).toMatch(cause)
})

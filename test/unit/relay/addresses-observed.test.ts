import { expect, it } from 'vitest'
import { ObservedIps } from '../../../app/main/relay/reach/observed-ips.ts'

it.each<[what: string, seen: [ip: string, witness: string][], believed: string[]]>([
  ['one peer alone', [['5.6.7.1', '23.1.0.1']], []],
  [
    'two peers of one network',
    [
      ['5.6.7.1', '23.1.0.1'],
      ['5.6.7.1', '23.1.9.9']
    ],
    []
  ],
  [
    'two networks',
    [
      ['5.6.7.1', '23.1.0.1'],
      ['5.6.7.1', '45.2.0.1']
    ],
    ['5.6.7.1']
  ],
  [
    'two networks that disagree',
    [
      ['5.6.7.1', '23.1.0.1'],
      ['5.6.7.2', '45.2.0.1']
    ],
    []
  ],
  [
    'peers of the own network',
    [
      ['5.6.7.1', '192.168.1.2'],
      ['5.6.7.1', '10.0.0.2']
    ],
    []
  ],
  [
    'peers that see a private address',
    [
      ['10.0.0.1', '23.1.0.1'],
      ['10.0.0.1', '45.2.0.1']
    ],
    []
  ],
  [
    'peers that see an IPv6 address',
    [
      ['2a00::1', '23.1.0.1'],
      ['2a00::1', '45.2.0.1']
    ],
    []
  ],
  [
    'a network that changed its mind',
    [
      ['5.6.7.1', '23.1.0.1'],
      ['5.6.7.1', '45.2.0.1'],
      ['5.6.7.9', '23.1.0.1']
    ],
    []
  ]
])('%s: %j makes %j', (_what, seen, believed) => {
  const ips = new ObservedIps()
  for (const [ip, witness] of seen) ips.add(ip, witness)
  expect(ips.believed()).toEqual(believed)
})

it('believes in two addresses at most, those that most see', () => {
  const ips = new ObservedIps()
  for (const [ip, votes] of [
    ['5.6.7.1', 2],
    ['5.6.7.2', 4],
    ['5.6.7.3', 3]
  ] as const) {
    for (let i = 0; i < votes; i++) ips.add(ip, `${20 + i}.${ip.at(-1)}.0.1`)
  }
  expect(ips.believed()).toEqual(['5.6.7.2', '5.6.7.3'])
})

it('remembers what 256 networks said last', () => {
  const ips = new ObservedIps()
  ips.add('5.6.7.1', '23.1.0.1')
  ips.add('5.6.7.1', '45.2.0.1')
  for (let i = 0; i < 255; i++) ips.add('5.6.7.9', `62.${i}.0.1`)
  expect(ips.believed()).toEqual(['5.6.7.9'])
})

it('says when an address is believed that was not before', () => {
  const ips = new ObservedIps()
  expect(ips.add('5.6.7.1', '23.1.0.1')).toBe(false)
  expect(ips.add('5.6.7.1', '45.2.0.1')).toBe(true)
  expect(ips.add('5.6.7.1', '62.3.0.1')).toBe(false)
})

it('believes of another network what is said there, and until then what was said before', () => {
  const ips = new ObservedIps()
  for (const witness of ['23.1.0.1', '45.2.0.1', '62.3.0.1']) ips.add('5.6.7.1', witness)
  ips.renew()
  expect(ips.believed()).toEqual(['5.6.7.1'])
  ips.add('5.6.7.9', '77.4.0.1')
  ips.add('5.6.7.9', '23.1.0.1')
  expect(ips.believed()).toEqual(['5.6.7.9'])
})

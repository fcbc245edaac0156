import { describe, expect, it } from 'vitest'
import type { AddressInfo, MappingInfo } from '../../../app/shared/api.ts'
import { ipOf, transportsOf } from '../../../app/renderer/state/transports.ts'

const NO_MAPPING: MappingInfo = { state: 'off', since: '', ports: [] }
const address = (
  text: string,
  transport: string,
  state: AddressInfo['state'],
  isPublic = true
): AddressInfo => ({
  ...{ address: text, transport, state, since: '' },
  public: isPublic
})
const tcp = (addresses: AddressInfo[], settings: Record<string, unknown> = {}) =>
  transportsOf({ addresses, mapping: NO_MAPPING }, key => settings[key])[0]

describe('how a transport stands', () => {
  const local = address('/ip4/10.0.0.2/tcp/4001/p2p/X', 'tcp', 'listening', false)
  const listening = address('/ip6/2001:db8::1/tcp/4001/p2p/X', 'tcp', 'listening')
  const unreachable = address('/ip4/203.0.113.1/tcp/4001/p2p/X', 'tcp', 'unreachable')
  const mapped = address('/ip4/203.0.113.1/tcp/4055/p2p/X', 'tcp', 'mapped')
  const verified = address('/ip4/203.0.113.1/tcp/4001/p2p/X', 'tcp', 'verified')

  it.each([
    ['closed', []],
    ['local', [local]],
    ['unreachable', [local, unreachable]],
    ['unconfirmed', [unreachable, listening]],
    ['mapped', [listening, mapped]],
    ['verified', [unreachable, mapped, verified]]
  ] as const)('is %s', (state, addresses) => {
    expect(tcp([...addresses])?.state).toBe(state)
  })

  it('is off by the settings, whatever still listens', () => {
    expect(tcp([verified], { 'tcp.enabled': false })?.state).toBe('off')
  })

  it('names each port once', () => {
    expect(tcp([local, mapped, verified])?.ports).toEqual([4001, 4055])
  })

  it('takes WebSocket with TLS for WebSocket, and reads the port of UDP', () => {
    const addresses = [
      address('/dns4/example.org/tcp/443/tls/ws/p2p/X', 'wss', 'given'),
      address('/ip4/203.0.113.1/udp/4001/quic-v1/p2p/X', 'quic-v1', 'verified')
    ]
    const [, quic, ws] = transportsOf({ addresses, mapping: NO_MAPPING }, () => undefined)
    expect(quic).toMatchObject({ name: 'quic', state: 'verified', ports: [4001] })
    expect(ws).toMatchObject({ name: 'ws', state: 'given', ports: [443] })
  })
})

it.each([
  ['/ip4/198.51.100.7/tcp/4001', '198.51.100.7'],
  ['/ip6/2001:db8::7/udp/4001/quic-v1', '2001:db8::7'],
  ['/ip4/198.51.100.7/tcp/4001/p2p/X/p2p-circuit', undefined],
  ['/dns4/example.org/tcp/4001', undefined],
  [undefined, undefined]
])('finds where a peer comes from in %s', (text, ip) => {
  expect(ipOf(text)).toBe(ip)
})

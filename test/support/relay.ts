import { generateKeyPair } from '@libp2p/crypto/keys'
import { createBus, type NodeBus, type NodeEvents } from '../../app/main/observe/events.ts'
import { RelayNode, type RelayNodeOptions } from '../../app/main/relay/node.ts'
import { defaultsOf, type Settings } from '../../app/shared/settings.ts'

export type Kind = 'tcp' | 'quic' | 'ws'
export const KINDS: readonly Kind[] = ['tcp', 'quic', 'ws']

/** No limit at all: a test sets the one it is about. Listens on 127.0.0.1 and free ports. */
export const unlimited: Partial<Settings> = {
  'listen.ip4': ['127.0.0.1'],
  'listen.ip6': [],
  'tcp.port': 0,
  'quic.port': 0,
  'ws.port': 0,
  // A native library of its own: the tests that are about it switch it on.
  'webrtcDirect.enabled': false,
  'webrtcDirect.port': 0,
  // It would use the processor that tests in the same moment measure.
  'relay.selfTest': false,
  'http.enabled': false,
  'connections.total': 0,
  'relay.reservations.total': 0,
  'relay.reservations.perIp': 0,
  'relay.circuits.total': 0,
  'relay.circuits.perPeer': 0,
  'relay.circuits.durationSeconds': 0,
  'relay.circuits.bytesEachWay': 0,
  'relay.attempts.perPeerPerMinute': 0,
  'relay.attempts.perIpPerMinute': 0,
  // Other tests may take the processor for a while.
  'overload.eventLoopDelayMs': 0,
  'overload.memoryBytes': 0
}

type EventRecord = { [Name in keyof NodeEvents]: { name: Name; value: NodeEvents[Name] } }[keyof NodeEvents]

export interface TestRelay {
  node: RelayNode
  bus: NodeBus
  settings: Settings
  /** Everything that happened, but the bytes. */
  events: EventRecord[]
  warnings: string[]
  /** Applies changed settings to the running node. */
  change(settings: Partial<Settings>): void
  /** The address to reach it by. */
  address(kind: Kind | 'webrtc'): string
  [Symbol.asyncDispose](): Promise<void>
}

/** A relay in this process: the node as it ships, with the given settings over no limits. */
export async function startRelay(
  overrides: Partial<Settings> = {},
  options: Pick<RelayNodeOptions, 'askedFor' | 'dataDir'> = {}
): Promise<TestRelay> {
  const settings: Settings = { ...defaultsOf('server'), ...unlimited, ...overrides }
  const bus = createBus()
  const events: EventRecord[] = []
  const names = [
    'reservation-accepted',
    'reservation-renewed',
    'reservation-expired',
    'reservation-ended',
    'circuit-accepted',
    'circuit-closed',
    'request-denied',
    'peer-connected',
    'peer-disconnected',
    'address-changed'
  ] as const
  for (const name of names) bus.on(name, value => events.push({ name, value } as EventRecord))
  const warnings: string[] = []
  const privateKey = await generateKeyPair('Ed25519')
  const node = new RelayNode(
    { privateKey, bus, warn: text => warnings.push(text) },
    { settings, version: '0.0.0', ...options }
  )
  await node.start()
  let current = settings
  return {
    node,
    bus,
    settings,
    events,
    warnings,
    change(changes) {
      current = { ...current, ...changes }
      node.applySettings(current)
    },
    address: kind => addressOf(node.addresses.listening, kind),
    [Symbol.asyncDispose]: () => node.stop()
  }
}

/** The first address of that transport. */
export function addressOf(addresses: readonly string[], kind: Kind | 'webrtc'): string {
  const pattern = {
    tcp: /\/tcp\/\d+\/p2p\//,
    ws: /\/tcp\/\d+\/ws\/p2p\//,
    quic: /\/quic-v1\/p2p\//,
    webrtc: /\/webrtc-direct\/certhash\//
  }[kind]
  const found = addresses.find(address => pattern.test(address))
  if (found === undefined) throw new Error(`the relay does not listen on ${kind}: ${addresses.join(' ')}`)
  return found
}

/** Values of the events of one name, so far. */
export function eventsOf<Name extends keyof NodeEvents>(relay: TestRelay, name: Name): NodeEvents[Name][] {
  return relay.events.filter(event => event.name === name).map(event => event.value as NodeEvents[Name])
}

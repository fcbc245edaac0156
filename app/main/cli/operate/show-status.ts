import type {
  AddressInfo,
  AutoTlsInfo,
  MappedPort,
  MappingInfo,
  ModeInfo,
  OverloadInfo,
  Status,
  TlsInfo
} from '../../../shared/api.ts'
import { formatBytes, formatDuration } from '../../../shared/format.ts'
import { budgetRows, heldText } from './show-budget.ts'
import { HEALTH_WORDS } from './show-ladder.ts'
import { quotaText, ratesTable, totalsTable } from './show-figures.ts'
import type { ViewOptions } from './show-lists.ts'
import { pairs, table } from './table.ts'
import { counted, limitText, localTime, timeSince, timeUntil, wrap } from './text.ts'

/** What an operator looks at on a bad day, the worst first. */
export function showStatus(status: Status, options: ViewOptions): string[] {
  const { warnings } = status
  const blocks = [
    head(status, options),
    warnings.length === 0 ? [] : ['Warnings', ...warnings.flatMap(text => wrap(text, options.width, 2))],
    work(status, options),
    ['Addresses', ...addresses(status, options)],
    mapping(status.mapping, options),
    certificate(status.autoTls, options),
    secureListener(status.tls, options),
    ratesTable(status.rates, options),
    totalsTable(status.totals, options)
  ]
  return blocks.filter(block => block.length > 0).flatMap((block, at) => (at === 0 ? block : ['', ...block]))
}

function head(
  { version, pid, profile, peerId, startedAt, uptimeSeconds, mode, reachability, overload }: Status,
  options: ViewOptions
): string[] {
  return pairs([
    ['Waystation', `${version}, profile ${profile}, pid ${pid}`],
    ['Peer id', peerId],
    ['Mode', modeText(mode, options.now)],
    [
      'Reach',
      mode.mode === 'off' ? [] : [`${HEALTH_WORDS[reachability.health]} (\`waystation doctor\` says more)`]
    ],
    ['Overload', overload === undefined ? [] : [overloadText(overload)]],
    ['Trouble', mode.fault === undefined ? [] : [mode.fault.message]],
    ['Up', `${formatDuration(uptimeSeconds)}, since ${localTime(startedAt)}`]
  ])
}

function overloadText({ cause, since, eventLoopDelayMs, memoryBytes }: OverloadInfo): string {
  const what =
    cause === 'memory'
      ? `the node holds ${formatBytes(memoryBytes)} of memory (overload.memoryBytes)`
      : `the node comes ${eventLoopDelayMs} ms late to its work (overload.eventLoopDelayMs)`
  return `new work is refused since ${localTime(since)}: ${what}`
}

/** What a node that ends waits for: `2 circuits and 5 reserved clients`. */
export function leftText({ circuitsLeft = 0, reservationsLeft = 0 }: ModeInfo): string {
  const circuits = counted(circuitsLeft, 'circuit')
  return reservationsLeft === 0 ? circuits : `${circuits} and ${counted(reservationsLeft, 'reserved client')}`
}

/** The mode and why. */
export function modeText(info: ModeInfo, now: number): string {
  const { mode, until, circuitsLeft = 0, starting } = info
  const end = until === undefined ? undefined : `${localTime(until)}, in ${timeUntil(until, now)}`
  const left = counted(circuitsLeft, 'circuit')
  switch (mode) {
    case 'off':
      return circuitsLeft > 0
        ? `off: relay.enabled is false, ${left} left for a few seconds`
        : 'off: relay.enabled is false, nothing listens (`waystation set relay.enabled=true` switches it on)'
    case 'open':
      return starting === true ? 'open: it is being opened' : 'open: takes new work'
    case 'paused':
      return `paused: takes no new work, until ${end ?? 'it is resumed (`waystation resume`)'}`
    case 'draining':
      return `draining: ${leftText(info)} left, then it stops${end === undefined ? '' : `; at the latest ${end}`}`
    case 'held':
      return heldText(info, now)
  }
}

function work(
  { reservations, circuits, connections, dhtPeers, peersServed, relayedConnections, ...rest }: Status,
  { now }: ViewOptions
): string[] {
  const transports = Object.entries(connections.byTransport).map(([name, count]) => `${name} ${count}`)
  const by = transports.length === 0 ? '' : ` (${transports.join(', ')})`
  return pairs([
    ['Reservations', `${reservations.held} of ${limitText(reservations.limit)}`],
    ['Circuits', `${circuits.running} of ${limitText(circuits.limit)}`],
    ['Peers', `${connections.peers} connected${by}, ${dhtPeers} known to the DHT`],
    [
      'Since the start',
      `${counted(peersServed, 'peer')} served, ${counted(relayedConnections, 'circuit')} relayed`
    ],
    ['Quota', quotaText(rest.quota)],
    ...budgetRows(rest.budget, now),
    [
      'Memory',
      `${formatBytes(rest.memory.rssBytes)}, of which ${formatBytes(rest.memory.heapUsedBytes)} heap`
    ],
    ['Public pages', rest.publicUrls],
    ['Metrics', rest.metricsUrls]
  ])
}

interface AddressRow extends Partial<AddressInfo> {
  address: string
}

function addresses({ addresses, announced, peerId }: Status, options: ViewOptions): string[] {
  const known = new Set(addresses.map(({ address }) => address))
  const rows: AddressRow[] = [
    ...addresses,
    ...announced.filter(each => !known.has(each)).map(address => ({ address }))
  ]
  if (rows.length === 0) return ['  none: nothing listens now']
  const [heads = '', ...lines] = table<AddressRow>(
    [
      // What all of them end in stands above as the peer id.
      { head: 'ADDRESS', text: ({ address }) => address, short: text => text.replace(`/p2p/${peerId}`, '') },
      { head: 'STATE', text: ({ state }) => state ?? '' },
      {
        head: 'FOR',
        text: ({ since }) => (since === undefined ? '' : timeSince(since, options.now)),
        right: true
      },
      { head: 'ANNOUNCED', text: ({ address }) => (announced.includes(address) ? 'yes' : 'no') }
    ],
    rows,
    { width: options.width && options.width - 2 }
  )
  const causes = rows.map(({ cause }) => (cause === undefined ? [] : wrap(cause, options.width, 6)))
  return [`  ${heads}`, ...lines.flatMap((line, at) => [`  ${line}`, ...(causes[at] ?? [])])]
}

const PROTOCOLS = { upnp: 'UPnP', 'nat-pmp': 'NAT-PMP' } as const

function mapping(
  { state, since, cause, gateway, ports, pinholes = [] }: MappingInfo,
  { now, width }: ViewOptions
): string[] {
  const by =
    gateway === undefined
      ? ''
      : ` by ${PROTOCOLS[gateway.protocol]} at ${gateway.address}${gateway.externalIp === undefined ? '' : ` (external IP ${gateway.externalIp})`}`
  const what = state === 'off' ? 'off (setting upnp)' : `${state}${by}, for ${timeSince(since, now)}`
  return [
    ...pairs([['Port mapping', what]]),
    ...(cause === undefined ? [] : wrap(cause, width, 2)),
    ...ports.flatMap(port => [
      `  ${portText(port)}`,
      ...(port.cause === undefined ? [] : wrap(port.cause, width, 6))
    ]),
    ...pinholes.flatMap(({ transport, protocol, internalPort, state: now6, cause: why }) => [
      `  ${transport}: ${protocol.toUpperCase()} ${internalPort} by IPv6, ${now6 === 'mapped' ? 'let in' : 'failed'}`,
      ...(why === undefined ? [] : wrap(why, width, 6))
    ])
  ]
}

function portText({ transport, protocol, internalPort, externalPort, state }: MappedPort): string {
  const outside = externalPort === undefined ? '' : ` as ${externalPort}`
  return `${transport}: ${protocol.toUpperCase()} ${internalPort}${outside}, ${state}`
}

function certificate(
  { state, since, name = '', validTo, retryAt, cause }: AutoTlsInfo,
  { now, width }: ViewOptions
): string[] {
  if (state === 'off') return pairs([['Certificate', 'off (setting ws.autoTls)']])
  const retry = retryAt === undefined ? '' : `, tried again at ${localTime(retryAt)}`
  const doing = state === 'held' ? [] : [`${CERTIFICATE[state]}, for ${timeSince(since, now)}${retry}`]
  const held = validTo === undefined ? [] : [`held until ${localTime(validTo)}`]
  return [
    ...pairs([['Certificate', [...doing, ...held]]]),
    ...(name === '' ? [] : [`  ${name}`]),
    ...(cause === undefined ? [] : wrap(cause, width, 2))
  ]
}

function secureListener({ addresses, certificates }: TlsInfo, { width }: ViewOptions): string[] {
  if (addresses.length === 0 && certificates.length === 0) return []
  const files = certificates.filter(({ source }) => source === 'files')
  return [
    ...pairs([['TLS listener', addresses.length === 0 ? 'closed' : addresses]]),
    ...files.flatMap(({ names, validTo }) => [
      `  tls.cert, good until ${localTime(validTo)}:`,
      ...wrap(names.join(', '), width, 4)
    ])
  ]
}

const CERTIFICATE = {
  waiting: 'waiting for an address that is verified from outside',
  registering: 'registering the name',
  requesting: 'asking for the certificate',
  failed: 'failed'
} as const

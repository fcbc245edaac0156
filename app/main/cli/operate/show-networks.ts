import type { NamespaceInfo, NetworkInfo, Networks, NewNetwork } from '../../../shared/api.ts'
import { formatBytes } from '../../../shared/format.ts'
import { IPFS_NETWORK } from '../../../shared/network-link.ts'
import type { ViewOptions } from './show-lists.ts'
import { pairs, table } from './table.ts'
import { counted, timeSince, timeUntil } from './text.ts'

const STATES: Record<NetworkInfo['state'], string> = {
  off: 'off',
  alone: 'alone',
  joining: 'joining',
  joined: 'joined',
  failed: 'not reached'
}

type Row = Pick<NetworkInfo, 'name' | 'served'> & Partial<NetworkInfo>

export function showNetworks({ networks, other }: Networks, options: ViewOptions): string[] {
  const rows: Row[] = [...networks, { name: 'other', served: other }]
  const lines = table<Row>(
    [
      { head: 'NETWORK', text: ({ name }) => name, least: 12 },
      { head: 'STATE', text: ({ state }) => (state === undefined ? '' : STATES[state]) },
      { head: 'DHT', text: ({ dhtSize }) => (dhtSize === undefined ? '' : String(dhtSize)), right: true },
      {
        head: 'RECORDS',
        text: ({ recordsProvided }) => (recordsProvided === undefined ? '' : String(recordsProvided)),
        right: true
      },
      { head: 'PEERS SERVED', text: ({ served }) => String(served.peers), right: true },
      { head: 'CIRCUITS', text: ({ served }) => String(served.circuits), right: true },
      { head: 'TO LISTENERS', text: ({ served }) => formatBytes(served.bytes.toTarget), right: true },
      { head: 'TO DIALERS', text: ({ served }) => formatBytes(served.bytes.toSource), right: true },
      { head: 'SHARE', text: ({ sharePercent }) => shareText(sharePercent), right: true, spare: 1 },
      { head: 'PROTOCOL', text: ({ dht }) => dht ?? '', least: 12, spare: 2 }
    ],
    rows,
    options
  )
  const problems = networks.flatMap(({ name, cause }) => (cause === undefined ? [] : [`${name}: ${cause}`]))
  return [...lines, ...(problems.length === 0 ? [] : ['', ...problems])]
}

const shareText = (percent: number | undefined): string => (percent === undefined ? '' : `${percent}%`)

export function showNetwork(network: NetworkInfo, options: ViewOptions): string[] {
  const { name, dht, own, state, since, cause, dhtSize, served, bootstrap, allow, sharePercent, link } =
    network
  const { now } = options
  return [
    ...pairs([
      ['Network', name],
      ['DHT protocol', dht],
      ['State', `${STATES[state]} for ${timeSince(since, now)}${cause === undefined ? '' : `: ${cause}`}`],
      ['DHT servers', String(dhtSize)],
      ['Peers served', `${served.peers}, with ${counted(served.circuits, 'circuit')}`],
      [
        'Relayed',
        `${formatBytes(served.bytes.toTarget)} to listeners, ${formatBytes(served.bytes.toSource)} to dialers`
      ],
      ['Allowed', allow.length === 0 ? 'everyone' : allow.join(', ')],
      [
        'Share',
        sharePercent === undefined
          ? 'no limit of its own'
          : `${sharePercent}% of relay.rate.totalBytesPerSecond`
      ],
      ['Set by', own ? 'dht.protocol, dht.bootstrap' : 'networks']
    ]),
    '',
    ...table<NamespaceInfo>(
      [
        { head: 'NAMESPACE', text: ({ namespace }) => namespace, least: 12 },
        { head: 'RECORDS', text: ({ records }) => String(records), right: true },
        {
          head: 'GIVEN',
          text: ({ lastProvidedAt }) =>
            lastProvidedAt === undefined ? 'not yet' : `${timeSince(lastProvidedAt, now)} ago`
        },
        { head: 'AGAIN IN', text: ({ nextAt }) => (nextAt === undefined ? '' : timeUntil(nextAt, now)) },
        { head: 'LOOKED UP AS', text: ({ cid }) => cid, spare: 1 }
      ],
      network.namespaces,
      options
    ),
    '',
    ...(bootstrap.length === 0
      ? ['It has no peers to join through.']
      : ['Joined through:', ...bootstrap.map(peer => `  ${peer}`)]),
    ...(link === undefined ? [] : ['', 'Others join it by:', `  ${link}`])
  ]
}

/** What joining a network comes to. */
export function showJoining({
  name,
  dht,
  bootstrap = [],
  namespaces = [],
  allow = [],
  sharePercent
}: NewNetwork): string[] {
  const isIpfs = dht === IPFS_NETWORK.dht
  return [
    ...pairs([
      ['Network', name],
      ['DHT protocol', dht],
      ['Advertised as', namespaces.length === 0 ? 'nothing' : namespaces.join(', ')],
      ['Allowed', allow.length === 0 ? 'everyone' : allow.join(', ')],
      [
        'Share',
        sharePercent === undefined
          ? 'no limit of its own'
          : `${sharePercent}% of relay.rate.totalBytesPerSecond`
      ],
      ['Joined through', bootstrap.length === 0 ? 'nobody: others join through this node' : bootstrap]
    ]),
    ...(isIpfs
      ? [
          'The public DHT of IPFS has many thousand servers: its questions use this line by day and night, up to connections.total',
          'connections at once, and count for the quota.'
        ]
      : []),
    ''
  ]
}

/** What each command is called, takes and does: its help and its reading are derived from this. */

export interface CommandFlag {
  name: `--${string}`
  short?: `-${string}`
  /** What stands for the value; none: a switch. */
  takes?: string
  help: string
}

export interface CommandDoc {
  name: string
  /** Its operands, as help writes them. */
  takes: string
  least: number
  most: number
  /** For the list of all commands. */
  summary: string
  /** What else there is to know. */
  details: readonly string[]
  flags: readonly CommandFlag[]
  examples: readonly string[]
}

const FULL: CommandFlag = { name: '--full', help: 'Whole ids and all columns, however narrow the terminal' }
const CSV: CommandFlag = {
  name: '--csv',
  help: 'For spreadsheets: a line for each minute, hour or day; in UTC, bytes, seconds'
}
const PEERS =
  'PEER is a peer id, or the end of that of a connected or reserved peer, as the tables show it (12D3…w7Xb2q or w7Xb2q).'
const RULES = 'It may be an IP address or a block of them (203.0.113.0/24), too.'
const KEPT = 'The node changes at once, and the settings file with it.'

type Short<Name> = { name: Name; summary: string } & Partial<Omit<CommandDoc, 'name' | 'summary'>>
type Named<Name> = CommandDoc & { name: Name }

function command<const Name extends string>(doc: Short<Name>): Named<Name> {
  return { takes: '', least: 0, most: 0, details: [], flags: [], examples: [], ...doc }
}

/** A command that shows a table. */
const shown = <const Name extends string>(doc: Short<Name>): Named<Name> =>
  command({ ...doc, flags: [...(doc.flags ?? []), FULL] })

export const COMMANDS = [
  shown({ name: 'status', summary: 'how the node is: mode, addresses, limits, rates, quota, warnings' }),
  command({
    name: 'doctor',
    summary: 'whether others get to this node, step by step, and what to do where they do not',
    details: [
      'Throw-away clients reserve and connect at the node first; nobody outside is contacted, but for a peer given with',
      '--via, which is asked to dial the node. Exit code: 0 it works (also where nobody has asked for anything yet), 1 it',
      'does not, 5 not known yet, 3 no node runs: then the ports and the firewall of this machine are looked at.'
    ],
    flags: [
      { name: '--via', takes: 'MULTIADDR', help: 'Have that peer dial the public addresses (AutoNAT)' },
      { name: '--no-test', help: 'Show what is known, without the self-test' }
    ],
    examples: ['waystation doctor', 'waystation doctor --via /dns4/relay.example/tcp/4001/p2p/12D3KooW…']
  }),
  command({
    name: 'dashboard',
    summary: 'a link that opens the dashboard in a browser, once',
    details: [
      'It works for five minutes and signs the browser in for 30 days. Deleting control.token and restarting the node',
      'signs all browsers out. From another machine: `ssh -L 4010:127.0.0.1:4010 SERVER`, and open the link there.',
      'While a browser is opened by --open, other users of this machine can see the link.'
    ],
    flags: [{ name: '--open', help: "Open it with the system's browser" }],
    examples: ['waystation dashboard --open']
  }),
  shown({ name: 'reservations', summary: 'who holds a reservation' }),
  shown({ name: 'circuits', summary: 'what runs through the node now' }),
  shown({ name: 'peers', summary: 'who is connected' }),
  shown({ name: 'refusals', summary: 'what was refused since the start, and which setting would lift it' }),
  shown({
    name: 'settings',
    takes: '[KEY...]',
    most: Infinity,
    summary: 'every setting, its value and where it came from',
    details: ['With KEYs, those alone; relay.rate stands for all that begin so.'],
    examples: ['waystation settings relay.rate']
  }),
  command({
    name: 'set',
    takes: 'KEY=VALUE...',
    least: 1,
    most: Infinity,
    summary: 'change settings of the running node',
    details: [
      'All of them or none: a value that cannot be changes nothing. What is live applies within a second, also to',
      'running circuits; the answer says what waits for a restart. The settings file is written.',
      'Units may be given (100MiB, 10Mbit/s, 1h); 0 or unlimited lifts a limit; lists have commas, or are none.'
    ],
    examples: [
      'waystation set relay.reservations.total=256 relay.rate.totalBytesPerSecond=10Mbit/s',
      'waystation set access.deny=203.0.113.0/24,2001:db8::/32'
    ]
  }),
  command({
    name: 'reset',
    takes: 'KEY...',
    least: 1,
    most: Infinity,
    summary: 'take settings out of the settings file, so that their defaults apply',
    examples: ['waystation reset relay.reservations.total']
  }),
  command({ name: 'reload', summary: 'read the settings file anew (as SIGHUP does)' }),
  command({
    name: 'pause',
    summary: 'take no new work, and keep what runs',
    details: ['It lasts until `waystation resume`, also over a restart, or for the TIME given.'],
    flags: [{ name: '--for', takes: 'TIME', help: 'Resume after that: 90s, 30min, 1h' }],
    examples: ['waystation pause --for 1h']
  }),
  command({ name: 'resume', summary: 'take new work again' }),
  command({
    name: 'drain',
    summary: 'take no new work, let circuits finish, then stop the node',
    details: [
      'The clients that hold a reservation are sent away one by one, spread over the TIME, so that they find other relays.',
      'Circuits that still run after it are ended. A service manager may start the node anew.'
    ],
    flags: [
      {
        name: '--wait',
        help: 'Return when the node has ended; shows what is left'
      },
      {
        name: '--timeout',
        takes: 'TIME',
        help: 'How long that may take, instead of shutdown.timeoutSeconds'
      }
    ],
    examples: ['waystation drain --wait --timeout 5min']
  }),
  command({
    name: 'close',
    takes: 'CIRCUIT',
    least: 1,
    most: 1,
    summary: 'end a circuit, by its number',
    details: ['`waystation circuits` shows the numbers.'],
    examples: ['waystation close 17']
  }),
  command({
    name: 'limit',
    takes: 'PEER',
    least: 1,
    most: 1,
    summary: 'give a peer a rate of its own',
    details: [PEERS, `${KEPT} (relay.rate.peers)`],
    flags: [
      { name: '--rate', takes: 'RATE', help: 'In each direction: 50kB/s, 1Mbit/s; off: that of all peers' }
    ],
    examples: ['waystation limit w7Xb2q --rate 50kB/s', 'waystation limit w7Xb2q --rate off']
  }),
  command({
    name: 'block',
    takes: 'PEER',
    least: 1,
    most: 1,
    summary: 'let a peer or an IP address neither reserve nor connect',
    details: [PEERS, RULES, `${KEPT} (access.deny)`],
    examples: ['waystation block w7Xb2q', 'waystation block 203.0.113.0/24']
  }),
  command({
    name: 'unblock',
    takes: 'PEER',
    least: 1,
    most: 1,
    summary: 'take that back',
    details: ['PEER as it stands in access.deny, or the end of a peer id in it.'],
    examples: ['waystation unblock 203.0.113.0/24']
  }),
  shown({
    name: 'networks',
    takes: '[ACTION]',
    most: 2,
    summary: 'the networks this node serves: join and leave them, and what was done for each',
    details: [
      'ACTION is list (unless given), show NAME, add LINK, add FILE, add ipfs or remove NAME.',
      'add takes a link (waystation://join?…), a FILE with the JSON of one network, or the word ipfs, for the public DHT of',
      'IPFS: many peers to help, and a DHT that uses the line by day and night. By hand: --name and --dht instead of it.',
      'One of the same name is replaced. A namespace is what apps look for relays under: the DHT is told of this node there.',
      `${KEPT} (networks)`
    ],
    flags: [
      { name: '--name', takes: 'NAME', help: 'With add: what to call it' },
      { name: '--dht', takes: 'PROTOCOL', help: 'With add: the protocol of its DHT (/chat/kad/1.0.0)' },
      { name: '--bootstrap', takes: 'LIST', help: 'With add: peers to join through, multiaddrs with commas' },
      { name: '--namespace', takes: 'LIST', help: 'With add: instead of /libp2p/relay; none' },
      {
        name: '--allow',
        takes: 'LIST',
        help: 'With add: of those who speak its DHT, serve only these peers and addresses'
      },
      { name: '--share', takes: 'PERCENT', help: 'With add: its most of relay.rate.totalBytesPerSecond' },
      { name: '--dry-run', help: 'With add: only show what would be joined' }
    ],
    examples: [
      "waystation networks add 'waystation://join?name=Chat&dht=…&bootstrap=…'",
      'waystation networks add chat.json --share 50',
      'waystation networks show Chat',
      'waystation networks remove Chat'
    ]
  }),
  shown({
    name: 'stats',
    summary: 'what was relayed today, this month and ever, and the rates',
    details: [
      'With --since, what was done from then on: sums, by network, quotas, for how long a rule of the budget held the node,',
      'and the days (the hours up to three days back, the minutes up to three hours) that the sums are made of.'
    ],
    flags: [
      { name: '--since', takes: 'TIME', help: 'From so long ago (30d, 12h) or a day (2026-11-01) on' },
      CSV
    ],
    examples: ['waystation stats --since 30d', 'waystation stats --since 2026-11-01 --csv']
  }),
  shown({
    name: 'history',
    summary: 'what was relayed, by minute, hour or day',
    details: ['Kept are minutes for a day, hours for 90 days, days for ever.'],
    flags: [
      { name: '--step', takes: 'STEP', help: 'minute, hour (unless given) or day' },
      {
        name: '--last',
        takes: 'TIME',
        help: 'How far back; unless given 1h by minute, 24h by hour, 30d by day'
      },
      CSV
    ],
    examples: ['waystation history --step day --last 90d']
  }),
  shown({
    name: 'storage',
    takes: '[ACTION]',
    most: 2,
    summary: 'what this app stores: show it, export it, delete the history',
    details: [
      'ACTION is list (unless given), export [FILE] or delete.',
      'export writes the history, the settings of the settings file and the list of what is stored as JSON, to a new FILE',
      'or to the standard output; keys and secrets stay here. delete takes all figures of the past off the disk; settings',
      'and key stay, and what was used of a quota still counts.'
    ],
    flags: [{ name: '--yes', help: 'With delete: do it; it cannot be undone' }],
    examples: ['waystation storage export my-relay.json', 'waystation storage delete --yes']
  }),
  command({
    name: 'logs',
    summary: "the newest lines of the node's log",
    flags: [
      {
        name: '--follow',
        short: '-f',
        help: 'Go on with what comes, also after a restart of the node, until Ctrl-C'
      },
      { name: '--lines', short: '-n', takes: 'N', help: 'How many lines at first [100]' }
    ],
    details: ['With --json, one JSON object a line.'],
    examples: ['waystation logs -f', 'waystation logs --lines 1000 | grep warn']
  }),
  shown({ name: 'metrics', summary: 'every metric, as Prometheus gets them' }),
  command({
    name: 'events',
    takes: '[NAME...]',
    most: Infinity,
    summary: 'what happens, as it happens: one JSON object a line, until Ctrl-C',
    details: ['With NAMEs, those alone. After a restart of the node it goes on.'],
    examples: ['waystation events circuit-accepted circuit-closed']
  })
]

export type CommandName = (typeof COMMANDS)[number]['name']

/** The command of that name. */
export function findCommand(name: string): (CommandDoc & { name: CommandName }) | undefined {
  return COMMANDS.find(each => each.name === name)
}

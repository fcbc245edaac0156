import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** What Linux knows of the processes of an app. */

/** A process and all its descendants. */
export function processTree(pid: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = read(`/proc/${name}/stat`)
    // The second field is the program's name in brackets, and may hold anything.
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    if (stat !== '') parents.set(Number(name), parent)
  }
  const tree = [pid]
  for (const each of tree) for (const [child, parent] of parents) if (parent === each) tree.push(child)
  return tree
}

export interface SocketInfo {
  protocol: 'tcp' | 'udp'
  /** `127.0.0.1:4010`, `::1:4010` */
  local: string
  remote: string
  listening: boolean
}

const LISTEN = '0A'

/** The Internet sockets that these processes hold. */
export function socketsOf(pids: readonly number[]): SocketInfo[] {
  const inodes = new Set(pids.flatMap(socketInodes))
  const tables = ['tcp', 'tcp6', 'udp', 'udp6'] as const
  return tables.flatMap(table =>
    read(`/proc/${pids[0]}/net/${table}`)
      .split('\n')
      .slice(1)
      .map(line => line.trim().split(/\s+/))
      .filter(columns => inodes.has(columns[9] ?? ''))
      .map(([, local = '', remote = '', state]) => ({
        protocol: table.startsWith('tcp') ? 'tcp' : 'udp',
        local: addressOf(local),
        remote: addressOf(remote),
        listening: table.startsWith('udp') || state === LISTEN
      }))
  )
}

/** A line of /proc/PID/status. */
export function statusOf(pid: number, name: string): string | undefined {
  return new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(read(`/proc/${pid}/status`))?.[1]
}

function socketInodes(pid: number): string[] {
  try {
    const files = readdirSync(`/proc/${pid}/fd`)
    return files.flatMap(file => /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${file}`))?.[1] ?? [])
  } catch {
    // It has just ended.
    return []
  }
}

function linkOf(file: string): string {
  try {
    return readlinkSync(file)
  } catch {
    return ''
  }
}

/** `0100007F:0FAA` -> `127.0.0.1:4010`. The kernel writes addresses in words of the machine's byte order. */
function addressOf(text: string): string {
  const [address = '', port = ''] = text.split(':')
  const words = (address.match(/.{8}/g) ?? []).map(word => Buffer.from(word, 'hex').reverse())
  const bytes = Buffer.concat(words)
  const isMapped = bytes.length === 16 && bytes.subarray(0, 12).toString('hex').endsWith('0000ffff')
  const shown =
    bytes.length === 4 || isMapped
      ? [...bytes.subarray(-4)].join('.')
      : `[${(bytes.toString('hex').match(/.{4}/g) ?? []).join(':')}]`
  return `${shown}:${Number.parseInt(port, 16)}`
}

/** Empty if it is gone. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

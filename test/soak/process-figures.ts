import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** What Linux tells of a process from outside (proc(5)). */
export interface ProcessFigures {
  rssBytes: number
  /** Open file descriptors, and those of them that are sockets. */
  fds: number
  sockets: number
  /** TCP connections, in whatever state they are. */
  tcp: number
}

const LISTENING = '0A'

export function processFigures(pid: number): ProcessFigures {
  const kiB = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  const links = readdirSync(`/proc/${pid}/fd`).map(fd => linkOf(`/proc/${pid}/fd/${fd}`))
  const inodes = new Set(links.flatMap(link => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []))
  const tcp = [...tcpSockets(pid)].filter(({ inode, state }) => state !== LISTENING && inodes.has(inode))
  return {
    rssBytes: Number(kiB) * 1024,
    fds: links.filter(link => link !== '').length,
    sockets: inodes.size,
    tcp: tcp.length
  }
}

function* tcpSockets(pid: number): Iterable<{ inode: string; state: string }> {
  for (const table of ['tcp', 'tcp6']) {
    for (const line of readFileSync(`/proc/${pid}/net/${table}`, 'utf8').split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/)
      if (fields[9] !== undefined) yield { inode: fields[9], state: fields[3] ?? '' }
    }
  }
}

/** Empty if it was closed meanwhile. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

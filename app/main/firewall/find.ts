import type { FirewallInfo } from '../../shared/api/ladder.ts'

/** What is asked of the system. Nothing that needs more rights than this program has is asked for twice. */
export interface FirewallSystem {
  platform: NodeJS.Platform
  /** Path of this program. */
  program: string
  /** Undefined where it is not there, or may not be read. */
  read: (file: string) => Promise<string | undefined>
  /** What a command prints; undefined where it is not there, or prints nothing. */
  run: (command: string, args: readonly string[]) => Promise<string | undefined>
}

/** The firewalls of this machine that are on, as far as the system tells whoever runs this program. */
export async function findFirewalls(system: FirewallSystem): Promise<FirewallInfo[]> {
  const found = await one(system)
  return found === undefined ? [] : [found]
}

async function one(system: FirewallSystem): Promise<FirewallInfo | undefined> {
  switch (system.platform) {
    case 'linux':
      // The first two are made of the third.
      return (await ufw(system)) ?? (await firewalld(system)) ?? (await nftables(system))
    case 'win32':
      return windows(system)
    case 'darwin':
      return macos(system)
    default:
      return undefined
  }
}

async function ufw({ read }: FirewallSystem): Promise<FirewallInfo | undefined> {
  if (!/^ENABLED=yes$/m.test((await read('/etc/ufw/ufw.conf')) ?? '')) return undefined
  const rules = await Promise.all(['user', 'user6'].map(name => read(`/etc/ufw/${name}.rules`)))
  const [known] = rules
  if (known === undefined) return { name: 'ufw' }
  // ### tuple ### allow tcp 4001 0.0.0.0/0 any 0.0.0.0/0 in
  const tuples = known.matchAll(/^### tuple ### (?:allow|limit) (tcp|udp|any) ([\d:,]+) .* in/gm)
  const allowed = [...tuples].flatMap(([, protocol = '', ports = '']) =>
    ports
      .split(',')
      .flatMap(port =>
        (protocol === 'any' ? ['tcp', 'udp'] : [protocol]).map(each => `${port.replace(':', '-')}/${each}`)
      )
  )
  return { name: 'ufw', allowed }
}

async function firewalld({ run }: FirewallSystem): Promise<FirewallInfo | undefined> {
  if ((await run('systemctl', ['is-active', 'firewalld']))?.trim() !== 'active') return undefined
  const ports = await run('firewall-cmd', ['--list-ports'])
  if (ports === undefined) return { name: 'firewalld' }
  return { name: 'firewalld', allowed: ports.trim().split(/\s+/).filter(isPort) }
}

const isPort = (text: string): boolean => /^\d+(-\d+)?\/(tcp|udp)$/.test(text)

/** Only root may see the rules; for others it counts as on where its service has loaded some. */
async function nftables({ run }: FirewallSystem): Promise<FirewallInfo | undefined> {
  const rules = await run('nft', ['list', 'ruleset'])
  if (rules === undefined) {
    const isActive = (await run('systemctl', ['is-active', 'nftables']))?.trim() === 'active'
    return isActive ? { name: 'nftables' } : undefined
  }
  if (!/hook input [^;]*; policy drop;/.test(rules)) return undefined
  const accepts = rules.matchAll(/\b(tcp|udp) dport (?:\{([^}]*)\}|([\d-]+))[^\n]* accept/g)
  const allowed = [...accepts].flatMap(([, protocol = '', many, single = '']) =>
    (many ?? single).split(',').map(port => `${port.trim()}/${protocol}`)
  )
  return { name: 'nftables', allowed: allowed.filter(isPort) }
}

const POLICY = 'HKLM\\SYSTEM\\CurrentControlSet\\Services\\SharedAccess\\Parameters\\FirewallPolicy'

/** From the registry: what netsh prints is in the system's language. */
async function windows({ run, program }: FirewallSystem): Promise<FirewallInfo | undefined> {
  const profiles = await Promise.all(
    ['StandardProfile', 'PublicProfile', 'DomainProfile'].map(profile =>
      run('reg', ['query', `${POLICY}\\${profile}`, '/v', 'EnableFirewall'])
    )
  )
  if (!profiles.some(text => /EnableFirewall\s+REG_DWORD\s+0x1\b/.test(text ?? ''))) return undefined
  const rules = await run('reg', ['query', `${POLICY}\\FirewallRules`])
  if (rules === undefined) return { name: 'windows' }
  const wanted = `|app=${program.toLowerCase()}|`
  const own = rules
    .toLowerCase()
    .split('\n')
    .filter(rule => /\|active=true\|/.test(rule) && /\|dir=in\|/.test(rule) && rule.includes(wanted))
  // A rule that blocks goes before all that allow.
  const isAllowed = own.length > 0 && own.every(rule => rule.includes('|action=allow|'))
  return { name: 'windows', allowed: isAllowed ? 'program' : [] }
}

const SOCKETFILTER = '/usr/libexec/ApplicationFirewall/socketfilterfw'

async function macos({ run, program }: FirewallSystem): Promise<FirewallInfo | undefined> {
  if (!/State = [12]/.test((await run(SOCKETFILTER, ['--getglobalstate'])) ?? '')) return undefined
  const blocked = await run(SOCKETFILTER, ['--getappblocked', program])
  return { name: 'macos', ...(/permitted/i.test(blocked ?? '') && { allowed: 'program' as const }) }
}

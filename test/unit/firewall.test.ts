import { describe, expect, it } from 'vitest'
import { findFirewalls, type FirewallSystem } from '../../app/main/firewall/find.ts'

/** A machine on which these files and the output of these commands are to be had. */
function system(
  platform: NodeJS.Platform,
  { files = {}, commands = {} }: { files?: Record<string, string>; commands?: Record<string, string> }
): FirewallSystem {
  return {
    platform,
    program: platform === 'win32' ? 'C:\\Apps\\Waystation.exe' : '/opt/waystation',
    read: async file => files[file],
    run: async (command, args) => commands[[command, ...args].join(' ')]
  }
}

const UFW = { '/etc/ufw/ufw.conf': '# comment\nENABLED=yes\nLOGLEVEL=low\n' }
const RULES = `### RULES ###
### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in
### tuple ### allow any 4001 0.0.0.0/0 any 0.0.0.0/0 in
### tuple ### deny tcp 25 0.0.0.0/0 any 0.0.0.0/0 in
### tuple ### limit udp 5000:5010 0.0.0.0/0 any 0.0.0.0/0 in
`
const POLICY = 'reg query HKLM\\SYSTEM\\CurrentControlSet\\Services\\SharedAccess\\Parameters\\FirewallPolicy'
const ON = { [`${POLICY}\\StandardProfile /v EnableFirewall`]: '    EnableFirewall    REG_DWORD    0x1\r\n' }
const rule = (action: string): string =>
  `    {1}    REG_SZ    v2.30|Action=${action}|Active=TRUE|Dir=In|App=C:\\Apps\\Waystation.exe|Name=Waystation|\r\n`

describe('the firewalls of this machine', () => {
  it.each([
    ['ufw that lets nobody look', system('linux', { files: UFW }), { name: 'ufw' }],
    [
      'ufw with its rules',
      system('linux', { files: { ...UFW, '/etc/ufw/user.rules': RULES } }),
      { name: 'ufw', allowed: ['22/tcp', '4001/tcp', '4001/udp', '5000-5010/udp'] }
    ],
    [
      'firewalld',
      system('linux', {
        commands: {
          'systemctl is-active firewalld': 'active\n',
          'firewall-cmd --list-ports': '1025-65535/udp 1025-65535/tcp\n'
        }
      }),
      { name: 'firewalld', allowed: ['1025-65535/udp', '1025-65535/tcp'] }
    ],
    [
      'firewalld that asks for a password',
      system('linux', { commands: { 'systemctl is-active firewalld': 'active\n' } }),
      { name: 'firewalld' }
    ],
    [
      'nftables that drops',
      system('linux', {
        commands: {
          'nft list ruleset':
            'table inet filter { chain input { type filter hook input priority 0; policy drop;\n tcp dport { 22, 4001 } accept\n udp dport 4001 ct state new accept\n } }'
        }
      }),
      { name: 'nftables', allowed: ['22/tcp', '4001/tcp', '4001/udp'] }
    ],
    ['Windows, without a rule', system('win32', { commands: ON }), { name: 'windows' }],
    [
      'Windows, with a rule for this program',
      system('win32', { commands: { ...ON, [`${POLICY}\\FirewallRules`]: rule('Allow') } }),
      { name: 'windows', allowed: 'program' }
    ],
    [
      'Windows, with a rule against it',
      system('win32', { commands: { ...ON, [`${POLICY}\\FirewallRules`]: rule('Allow') + rule('Block') } }),
      { name: 'windows', allowed: [] }
    ],
    [
      'that of macOS',
      system('darwin', {
        commands: {
          '/usr/libexec/ApplicationFirewall/socketfilterfw --getglobalstate':
            'Firewall is enabled. (State = 1)\n'
        }
      }),
      { name: 'macos' }
    ]
  ])('%s', async (_, machine, found) => {
    expect(await findFirewalls(machine)).toEqual([found])
  })

  it.each([
    ['without any', system('linux', {})],
    ['with ufw switched off', system('linux', { files: { '/etc/ufw/ufw.conf': 'ENABLED=no\n' } })],
    [
      'whose nftables drop nothing that comes in',
      system('linux', {
        commands: {
          'nft list ruleset': 'chain forward { type filter hook forward priority 0; policy drop; }'
        }
      })
    ],
    ['of a system that is not known', system('freebsd', {})]
  ])('none on a machine %s', async (_, machine) => {
    expect(await findFirewalls(machine)).toEqual([])
  })
})

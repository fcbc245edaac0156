import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { isIPv4, isIPv6 } from 'node:net'
import { endianness } from 'node:os'
import { promisify } from 'node:util'

const COMMAND_TIMEOUT_MS = 5_000
/** RTF_UP and RTF_GATEWAY of linux/route.h. */
const UP_BY_GATEWAY = 0x3

/** The IPv4 address of the router that the default route leads to; undefined where there is none, or none is found. */
export async function defaultGateway(
  platform: NodeJS.Platform = process.platform
): Promise<string | undefined> {
  try {
    if (platform === 'linux' || platform === 'android') {
      return gatewayOfProc(await readFile('/proc/net/route', 'utf8'), endianness())
    }
    if (platform === 'win32') return gatewayOfRoutePrint(await output('route', ['print', '-4', '0.0.0.0']))
    return gatewayOfRouteGet(await output('route', ['-n', 'get', 'default']))
  } catch {
    return undefined
  }
}

/** /proc/net/route: numbers in hexadecimal, addresses in the machine's own order of bytes. */
export function gatewayOfProc(table: string, order: 'LE' | 'BE'): string | undefined {
  const routes = table
    .split('\n')
    .slice(1)
    .map(line => line.trim().split(/\s+/))
    .filter(([, to, , flags, , , , mask]) => /^0+$/.test(to ?? '') && /^0+$/.test(mask ?? '') && isUp(flags))
    .sort((a, b) => Number(a[6]) - Number(b[6]))
  const hex = routes[0]?.[2]
  if (hex === undefined || !/^[0-9a-f]{8}$/i.test(hex)) return undefined
  const bytes = [...Buffer.from(hex, 'hex')]
  return (order === 'LE' ? bytes.reverse() : bytes).join('.')
}

/**
 * The link-local or other IPv6 address of the default router, with the interface that it is behind (`fe80::1%eth0`);
 * undefined where there is none, or none is found.
 */
export async function defaultGateway6(
  platform: NodeJS.Platform = process.platform
): Promise<string | undefined> {
  try {
    if (platform === 'linux' || platform === 'android') {
      return gateway6OfProc(await readFile('/proc/net/ipv6_route', 'utf8'))
    }
    if (platform === 'win32') return gateway6OfRoutePrint(await output('route', ['print', '-6', '::/0']))
    return gateway6OfRouteGet(await output('route', ['-n', 'get', '-inet6', 'default']))
  } catch {
    return undefined
  }
}

/** /proc/net/ipv6_route: destination, source, next hop, each in 32 hexadecimal digits; metric, flags, interface. */
export function gateway6OfProc(table: string): string | undefined {
  const routes = table
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .filter(([to, bits, , , , , , , flags]) => /^0{32}$/.test(to ?? '') && bits === '00' && isUp(flags))
    .sort((a, b) => Number.parseInt(a[5] ?? '', 16) - Number.parseInt(b[5] ?? '', 16))
  const [, , , , hop = '', , , , , at = ''] = routes[0] ?? []
  if (!/^[0-9a-f]{32}$/i.test(hop)) return undefined
  return inZone(hop.replace(/(.{4})(?!$)/g, '$1:'), at)
}

/** `route -n get -inet6 default` of macOS and the BSDs, which write the zone themselves. */
export function gateway6OfRouteGet(text: string): string | undefined {
  const [, gateway = ''] = /^\s*gateway:\s*(\S+)/m.exec(text) ?? []
  return isIPv6(gateway) ? gateway : undefined
}

/** `route print` of Windows, whatever its language: interface, metric, destination, gateway. */
export function gateway6OfRoutePrint(text: string): string | undefined {
  const rows = [...text.matchAll(/^\s*(\d+)\s+(\d+)\s+::\/0\s+(\S+)/gm)]
    .map(([, at = '', metric, gateway = '']) => ({ at, metric: Number(metric), gateway }))
    .filter(({ gateway }) => isIPv6(gateway))
    .sort((a, b) => a.metric - b.metric)
  const [first] = rows
  return first && inZone(first.gateway, first.at)
}

/** Only a link-local address needs to be told where. */
function inZone(gateway: string, zone: string): string {
  return /^fe[89ab]/i.test(gateway) ? `${gateway}%${zone}` : gateway
}

function isUp(flags: string | undefined): boolean {
  return (Number.parseInt(flags ?? '0', 16) & UP_BY_GATEWAY) === UP_BY_GATEWAY
}

/** `route -n get default` of macOS and the BSDs. */
export function gatewayOfRouteGet(text: string): string | undefined {
  const [, gateway = ''] = /^\s*gateway:\s*(\S+)/m.exec(text) ?? []
  return isIPv4(gateway) ? gateway : undefined
}

/** `route print` of Windows, whatever its language: destination, mask, gateway, interface, metric. */
export function gatewayOfRoutePrint(text: string): string | undefined {
  const rows = [...text.matchAll(/^\s*0\.0\.0\.0\s+0\.0\.0\.0\s+(\S+)\s+\S+\s+(\d+)/gm)]
    .map(([, gateway = '', metric]) => ({ gateway, metric: Number(metric) }))
    .filter(({ gateway }) => isIPv4(gateway))
    .sort((a, b) => a.metric - b.metric)
  return rows[0]?.gateway
}

async function output(program: string, args: string[]): Promise<string> {
  const options = { timeout: COMMAND_TIMEOUT_MS, windowsHide: true }
  return (await promisify(execFile)(program, args, options)).stdout
}

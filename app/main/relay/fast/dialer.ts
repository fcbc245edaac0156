import { getNetConfig } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import { SocketDuct } from './socket-duct.ts'

/** Node's numbers; of both families it takes what answers. */
const FAMILIES: Record<string, 4 | 6> = { ip4: 4, dns4: 4, ip6: 6, dns6: 6 }

/**
 * Connects to a TCP address (`/ip4|ip6|dns|dns4|dns6/HOST/tcp/PORT…`).
 * @throws the system's error with its `code`, or the signal's reason
 */
export async function connectDuct(address: Multiaddr, signal: AbortSignal): Promise<SocketDuct> {
  signal.throwIfAborted()
  const config = getNetConfig(address)
  const { host, port, type } = config
  const zone = type === 'ip6' && config.zone !== undefined ? `%${config.zone}` : ''
  const duct = SocketDuct.connect({ host: host + zone, port: port ?? 0, family: FAMILIES[type] })
  const { socket } = duct
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const aborted = (): void => reject(signal.reason as Error)
  const closed = (): void => reject(new Error('the socket has closed'))
  signal.addEventListener('abort', aborted)
  socket.once('connect', resolve).once('error', reject).once('close', closed)
  try {
    await promise
    return duct
  } catch (error) {
    duct.destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', aborted)
    socket.off('connect', resolve).off('error', reject).off('close', closed)
  }
}

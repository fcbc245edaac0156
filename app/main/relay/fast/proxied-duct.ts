import type { Endpoint } from '../../net/forwarded.ts'
import { ProxyHeaderReader } from '../../net/proxy-protocol.ts'
import type { RawDuct } from './duct.ts'

/**
 * Who is at the other end of a proxy's duct: whom it names by a PROXY header, or else the proxy itself. What follows the
 * header stays there, paused.
 * @throws where a header is broken or does not come, or the signal's reason
 */
export async function clientByHeader(duct: RawDuct, peer: Endpoint, signal: AbortSignal): Promise<Endpoint> {
  signal.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<Endpoint | undefined>()
  const aborted = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', aborted)
  const header = new ProxyHeaderReader()
  duct.reader = {
    onBytes: bytes => {
      try {
        const read = header.add(bytes)
        if (read === undefined) return
        duct.pause()
        duct.reader = undefined
        duct.unshift(read.rest)
        resolve(read.client)
      } catch (error) {
        duct.pause()
        reject(error)
      }
    },
    onDrain: () => {},
    onEnd: () => reject(new Error('it ended before its first bytes')),
    onClose: error => reject(error ?? new Error('it closed before its first bytes'))
  }
  duct.resume()
  try {
    return (await promise) ?? peer
  } finally {
    signal.removeEventListener('abort', aborted)
  }
}

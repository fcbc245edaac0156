import type { Connection } from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import type { Libp2p } from 'libp2p'
import { AppError, messageOf } from '../../../shared/errors.ts'
import { isRelayed } from '../addresses.ts'

const DIAL_MS = 15_000

/** Connects to a peer that someone chose. @throws AppError bad-request, peer-unreachable */
export async function dialChosen(libp2p: Pick<Libp2p, 'dial'>, text: string): Promise<Connection> {
  const address = complete(text)
  let connection: Connection
  try {
    connection = await libp2p.dial(address, { signal: AbortSignal.timeout(DIAL_MS) })
  } catch (error) {
    const message = `The peer at ${text} cannot be reached: ${messageOf(error)}. Look at its address, or choose another.`
    throw new AppError('peer-unreachable', message, { field: 'address' }, error)
  }
  if (!isRelayed(connection)) return connection
  const message = `The peer at ${text} is reached over a relay, and sees no address of this node: choose another.`
  throw new AppError('peer-unreachable', message, { field: 'address' })
}

function complete(text: string): Multiaddr {
  const mend = 'Give one with its peer id: /ip4/198.51.100.7/tcp/4001/p2p/12D3…'
  try {
    const address = multiaddr(text)
    if (address.getComponents().at(-1)?.name === 'p2p') return address
  } catch {
    throw new AppError('bad-request', `"${text}" is no multiaddr. ${mend}`, { field: 'address' })
  }
  throw new AppError('bad-request', `"${text}" does not say which peer is meant. ${mend}`, {
    field: 'address'
  })
}

import type { AddressManager } from '@libp2p/interface-internal'
import type { Mapping } from './router.ts'

export interface MappedAddress extends Mapping {
  internalIp: string
  externalIp: string
}

/**
 * The addresses that forwarded ports give this node, in libp2p's address manager: unconfirmed, until AutoNAT has
 * verified them. The address manager would list one twice that is added twice, so this knows which are there.
 */
export class MappedAddresses {
  readonly #addressManager: Pick<AddressManager, 'addPublicAddressMapping' | 'removePublicAddressMapping'>
  readonly #added = new Map<string, MappedAddress>()

  constructor(
    addressManager: Pick<AddressManager, 'addPublicAddressMapping' | 'removePublicAddressMapping'>
  ) {
    this.#addressManager = addressManager
  }

  /** The address of that internal port, in place of an earlier one. */
  set(address: MappedAddress): void {
    const key = keyOf(address)
    const before = this.#added.get(key)
    if (before !== undefined && textOf(before) === textOf(address)) return
    this.#remove(key)
    this.#added.set(key, address)
    const { internalIp, internalPort, externalIp, externalPort, protocol } = address
    this.#addressManager.addPublicAddressMapping(internalIp, internalPort, externalIp, externalPort, protocol)
  }

  /** Takes away all that are not of those internal ports. */
  keep(wanted: readonly Pick<Mapping, 'protocol' | 'internalPort'>[]): void {
    const kept = new Set(wanted.map(keyOf))
    for (const key of [...this.#added.keys()]) if (!kept.has(key)) this.#remove(key)
  }

  #remove(key: string): void {
    const address = this.#added.get(key)
    if (address === undefined) return
    this.#added.delete(key)
    const { internalIp, internalPort, externalIp, externalPort, protocol } = address
    this.#addressManager.removePublicAddressMapping(
      internalIp,
      internalPort,
      externalIp,
      externalPort,
      protocol
    )
  }
}

/** A router forwards an internal port once. */
export function keyOf({ protocol, internalPort }: Pick<Mapping, 'protocol' | 'internalPort'>): string {
  return `${protocol}-${internalPort}`
}

function textOf({ internalIp, externalIp, externalPort }: MappedAddress): string {
  return `${internalIp} ${externalIp} ${externalPort}`
}

import { AccessList, plainIp } from './ip.ts'

/** Who a connection or a request comes from, where reverse proxies stand in front of the node (setting `trustedProxies`). */

/** The other end of a connection. */
export interface Endpoint {
  ip: string
  port: number
}

/** Nobody else's word is taken for where a client is. */
export class TrustedProxies {
  readonly #list: AccessList

  /** @param rules IP addresses and CIDR blocks */
  constructor(rules: readonly string[]) {
    this.#list = new AccessList(rules)
  }

  has(ip: string | undefined): boolean {
    return ip !== undefined && this.#list.matches({ ip })
  }

  /**
   * The client of a request: each hop is believed only if the one after it is trusted, so that what clients write into
   * the header themselves counts for nothing.
   * @param peer who sent it
   * @param forwarded values of X-Forwarded-For, in order of their lines; each proxy adds whom it has it from
   */
  clientOf(peer: string, forwarded: readonly string[] = []): string {
    let client = peer
    const hops = this.has(peer) ? forwarded.flatMap(value => value.split(',')) : []
    while (this.has(client)) {
      const hop = addressOfHop(hops.pop() ?? '')
      if (hop === undefined) break
      client = hop
    }
    return client
  }
}

/** `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711` */
function addressOfHop(text: string): string | undefined {
  const hop = text.trim()
  const [, bracketed, withPort] = /^(?:\[([^\]]*)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/.exec(hop) ?? []
  return plainIp(bracketed ?? withPort ?? hop)
}

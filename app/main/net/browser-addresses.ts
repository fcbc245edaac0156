/**
 * Addresses with those first that a page can dial, the best first: secure WebSocket by a name, which the certificate is for;
 * by an IP address, which few certificates name; WebRTC-direct, which needs no authority's certificate but takes longer; and
 * plain WebSocket, for pages of this machine or without https. What no page can dial comes last. Else the order stays.
 */
export function browserFirst(addresses: readonly string[]): string[] {
  return addresses
    .map(address => ({ address, rank: rankOf(address) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ address }) => address)
}

function rankOf(address: string): number {
  const rank = ORDER.findIndex(pattern => pattern.test(address))
  return rank === -1 ? ORDER.length : rank
}

const ORDER = [
  // A page dials the name after /sni, whatever host stands in front.
  /^\/dns[46]?\/[^/]+\/tcp\/\d+\/(tls\/ws|wss)(\/|$)|\/tcp\/\d+\/tls\/sni\/[^/]+\/ws(\/|$)/,
  /\/tcp\/\d+\/(tls\/ws|wss)(\/|$)/,
  /\/udp\/\d+\/webrtc-direct\/certhash\//,
  /\/tcp\/\d+\/ws(\/|$)/
]

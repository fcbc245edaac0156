import { z } from 'zod'

/** What the public pages answer: the types, the OpenAPI document and the tests all come from these. */

export const Identity = z
  .strictObject({
    peer_id: z.string().describe('The libp2p peer id of this node'),
    addresses: z
      .array(z.string().regex(/^\/[^/]+\/.*\/p2p\/[^/]+$/))
      .describe('Complete multiaddrs that a client can dial'),
    protocol_version: z.string().describe('The protocol version that identify sends'),
    agent_version: z.string().describe('The agent version that identify sends')
  })
  .describe('Who this node is and where it can be dialed')
export type Identity = z.infer<typeof Identity>

/** What may be asked of the identity; other parameters are nobody's business. */
export const IdentityQuery = z.object({
  for: z
    .literal('browser')
    .optional()
    .describe(
      'Addresses that a page can dial come first: secure WebSocket, WebRTC-direct, then plain WebSocket'
    )
})

export const Status = z.strictObject({ status: z.literal('ok') }).describe('All is well')
export type Status = z.infer<typeof Status>

/** What the node says of itself, for the health pages. */
export interface Health {
  alive: true
  /** At least one libp2p listener is open. */
  listening: boolean
  /** The node was asked to stop: it finishes what runs and takes nothing new. */
  draining: boolean
  /** Why it is not ready, one word each. Anyone can read them: no addresses, no peers. */
  reasons: string[]
}

import type { Side } from '../../../../app/main/relay/circuit/side.ts'

/**
 * One peer of a bench. Through the circuits it opens and takes go raw bytes, with no handshake inside, so that the
 * clients do little beside the relay.
 */
export interface BenchClient {
  /** What others open circuits to. */
  readonly id: string
  connect(): Promise<void>
  reserve(): Promise<void>
  /** Resolves when bytes may be sent. Rejects where the relay refuses. */
  open(to: string): Promise<Side>
  close(): Promise<void>
}

/** Gets this side of each circuit that someone opened to the client. */
export type Taker = (side: Side) => void

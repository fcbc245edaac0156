/** Why new work is refused as `overloaded`, beside cpu.sharePercent. */
export interface OverloadInfo {
  /** Which limit: `overload.eventLoopDelayMs` or `overload.memoryBytes`. */
  cause: 'event-loop-delay' | 'memory'
  since: string
  /** By how much the node came late to a timer when it was last too much. */
  eventLoopDelayMs: number
  /** Resident memory then. */
  memoryBytes: number
}

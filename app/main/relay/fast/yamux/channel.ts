/** The peer, or we, broke the protocol: the connection is over. */
export class YamuxError extends Error {
  override readonly name = 'YamuxError'
}

/** A stream, as its session sees it. */
export interface Channel {
  readonly number: number
  /** Its peer begins to send so much; false where its window has no room for it. */
  takes(bytes: number): boolean
  received(bytes: Uint8Array): void
  receivedEnd(): void
  receivedReset(): void
  /** The peer takes so much more; false where that is more than can be. */
  windowOpened(bytes: number): boolean
  /** The connection has room again. */
  writable(): void
}

/** Whom a session tells. */
export interface SessionOwner {
  /** The peer opens a stream; undefined refuses it. */
  accept(number: number): Channel | undefined
  /** The stream that was accepted can be used. */
  opened(channel: Channel): void
  /** The peer will open no more streams, and takes none. */
  goneAway(): void
  /** The duct is over, or of no more use. */
  closed(error?: Error): void
  /** The session has ended itself. */
  failed(error: Error): void
}

/** What a side of a circuit is told of its stream. Its methods do not throw. */
export interface SideSink {
  /** Bytes in order. The memory is the side's again when this returns. They count against its window until `credit`. */
  onBytes(bytes: Uint8Array): void
  /** The peer has closed its writing, and all it wrote was handed over. */
  onEnd(): void
  /** The stream is over; the last call. With an error where it was reset, without where it was lost, or both closed. */
  onClose(error?: Error): void
  /** More may be written, after `sendable` was 0. */
  onWritable(): void
}

/** Ends a stream whose sender cannot be slowed down, and whose reader has too much before it. */
export class ReaderBehindError extends Error {
  override readonly name = 'ReaderBehindError'

  constructor() {
    super('the reader is too far behind, and nothing slows the sender down')
  }
}

/** A stream as one side of a circuit: bytes without events, in memory that is used again and again. */
export interface Side {
  /**
   * From now on all goes to this sink, and no bytes to a 'message' event any more; those that came earlier come first.
   * Another sink may follow the first, which has taken all that came.
   */
  join(sink: SideSink): void
  /** From now on all goes to the stream's events again, first what the sink did not take: of the bytes it is being given. */
  part?(unread: Uint8Array): void
  /** Bytes that may be written now: what the peer's window and the connection take. */
  readonly sendable: number
  /** Copies the bytes, at most `sendable` of them. */
  write(bytes: Uint8Array): void
  /** What is written next need not wait for what others write in this turn of the event loop. */
  promptly?(): void
  /** The reader is done with so many bytes: the peer may send as many more. Calls nothing of the sink before it returns. */
  credit(bytes: number): void
  /** Closes our writing behind what was written. Resolves when all is on its way; rejects where the stream was lost. */
  finish(): Promise<void>
  /** Resets the stream. */
  abort(error: Error): void
}

/**
 * How bytes move through the fast data path: from a socket up through its security and its muxer, and down again.
 * Nothing here is libp2p's: its streams and events begin above the muxer.
 */

/** What is told of everything that happens on a duct. Its methods must not throw. */
export interface DuctReader {
  /**
   * Bytes that have arrived, in order. The memory is the duct's again when this returns, so what is kept is copied;
   * until then the reader may write over it (to decrypt in place).
   */
  onBytes(bytes: Buffer): void
  /** What was written has left: there is room again. Only after the duct was full. */
  onDrain(): void
  /** The other side sends no more. */
  onEnd(): void
  /** The duct is over: the last call, and the only one after `destroy`. */
  onClose(error?: Error): void
}

/** What all ducts can do. */
interface AnyDuct {
  /** Whoever reads now. A duct that has no reader yet is paused. */
  reader: DuctReader | undefined
  /** More is on its way than the other side takes at the moment: write no more until `onDrain`. */
  readonly full: boolean
  /** Lets arrive no more than what is being handed over now. */
  pause(): void
  resume(): void
  /** Sends what was written, then that no more will come. */
  end(): void
  /** Ends it at once, in both directions. */
  destroy(error?: Error): void
}

/** Carries bytes as they are: a TCP socket, or a WebSocket over one. */
export interface RawDuct extends AnyDuct {
  /** Bytes before `start` of what is sent that the duct may write over. */
  readonly headroom: number
  /** Sends the bytes of a page from start to end, in order. The page belongs to the duct, which gives it back. */
  send(page: Page, start: number, end: number): void
  /** Makes these bytes, which the reader did not want yet, the first that arrive. Before the reader is replaced. */
  unshift(bytes: Uint8Array): void
}

/** Carries bytes that the other side proved to have sent: Noise, or TLS. */
export interface SecureDuct extends AnyDuct {
  /** Copies the bytes into what goes out next: with `flush`, or by itself before the event loop waits again. */
  write(bytes: Uint8Array): void
  /** What is written next, while a few bytes of any duct arrive, is sent when those have been handed over. */
  promptly?(): void
  /** Sends what was written so far. */
  flush(): void
}

/** A piece of memory for bytes on their way out. */
export interface Page {
  readonly bytes: Buffer
  /** Gives it back; it must not be touched any more. */
  release(): void
}

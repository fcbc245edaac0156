/**
 * The QUIC engine under @chainsafe/libp2p-quic (quinn, in Rust). The package exports only its transport,
 * whose streams cannot be paused (test/upstream/quic.test.ts), so this reaches the binding it carries.
 */
export interface NativeStream {
  id(): string
  /** At most that many bytes; null at the end. Rejects when the stream was reset or the connection lost. */
  read(maxBytes: number): Promise<Uint8Array | null>
  /** Resolves when flow control took all of it. */
  write(data: Uint8Array): Promise<void>
  finishWrite(): Promise<void>
  /** Waits until the write under way is over. */
  resetWrite(): Promise<void>
  /** Waits until the read under way is over. */
  stopRead(): Promise<void>
}

/** UDP payloads since the connection began, without the first datagram of one that came in. */
export interface NativeConnectionStats {
  readonly udpRxBytes: number
  readonly udpRxDatagrams: number
  readonly udpTxBytes: number
  readonly udpTxDatagrams: number
}

export interface NativeConnection {
  id(): string
  /** Also after the end. */
  stats(): NativeConnectionStats
  /** Ends with /p2p/ and the peer id that the TLS handshake proved. */
  remoteMultiaddr(): string
  inboundStream(): Promise<NativeStream>
  outboundStream(): Promise<NativeStream>
  closed(): Promise<void>
  abort(): void
}

export interface NativeServerStats {
  /** Handshakes that were begun for an accept, since the start, whatever became of them. */
  readonly acceptedHandshakes: number
}

export interface NativeServer {
  port(): number
  inboundConnection(): Promise<NativeConnection>
  stats(): NativeServerStats
  abort(): Promise<void>
}

export interface NativeClient {
  outboundConnection(ip: string, port: number): Promise<NativeConnection>
  abort(): void
}

export interface NativeConfig {
  privateKeyProto: Uint8Array
  /** Milliseconds. The engine ignores the first: a silent handshake ends with `maxIdleTimeout`. */
  handshakeTimeout: number
  maxIdleTimeout: number
  keepAliveInterval: number
  maxConcurrentStreamLimit: number
  /** Bytes that may be on their way to us, unread, on a stream and on a connection. */
  maxStreamData: number
  maxConnectionData: number
  receiveBufferSize: number
  sendBufferSize: number
}

declare const config: unique symbol
/** A checked configuration, opaque to us. */
export interface NativeConfigured {
  [config]: true
}

export interface NativeQuic {
  QuinnConfig: new (config: NativeConfig) => NativeConfigured
  Server: new (config: NativeConfigured, ip: string, port: number) => NativeServer
  Client: new (config: NativeConfigured, family: 0 | 1) => NativeClient
}

/** What the engine's runtime asks, as it is loaded, for how many threads it may have; else one for each core. */
const THREADS = 'TOKIO_WORKER_THREADS'

/**
 * Loads the binding; throws where no binary exists for this platform. One thread, where nobody set another number: a
 * second one costs a third more for each byte, in waking each other up.
 */
export async function loadNativeQuic(): Promise<NativeQuic> {
  const entry = import.meta.resolve('@chainsafe/libp2p-quic')
  const asked = process.env[THREADS]
  process.env[THREADS] = asked ?? '1'
  try {
    return (await import(/* @vite-ignore */ new URL('./napi.js', entry).href)) as NativeQuic
  } finally {
    if (asked === undefined) delete process.env[THREADS]
  }
}

/** Stops waiting at the signal: the engine's promises cannot be called off, so `late` undoes what comes after. */
export async function orAbort<T>(
  pending: Promise<T>,
  signal: AbortSignal,
  late: (value: T) => void
): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => aborted.reject(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    return await Promise.race([pending, aborted.promise])
  } catch (error) {
    pending.then(late, () => {})
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { lpStream, type LengthPrefixedStream } from '@libp2p/utils'
import type { Libp2p } from 'libp2p'
import type { Path } from './path.ts'

/** What two pages say to each other: a stream for each message and each file, so that nothing depends on one connection. */
const MESSAGE = '/waystation-example/message/1.0.0'
const FILE = '/waystation-example/file/1.0.0'

const LONGEST_FRAME_BYTES = 64 * 1024
const PIECE_BYTES = 16 * 1024
const ANSWER_TIMEOUT_MS = 30_000

/** The first thing that the page that dials says; also makes the other one take it as the one it talks to. */
export type Message = { kind: 'hello' } | { kind: 'text'; text: string }

export interface IncomingFile {
  name: string
  size: number
}

export interface Progress {
  /** Bytes so far. */
  moved: (bytes: number) => void
  done: (file: Blob) => void
  failed: (error: unknown) => void
}

export interface Listener {
  /** @returns whether this page talks to that peer */
  message: (from: PeerId, message: Message) => boolean
  /** @returns undefined if this page does not talk to that peer */
  file: (from: PeerId, file: IncomingFile) => Progress | undefined
}

type Frames = LengthPrefixedStream<Stream>

export async function listen(node: Libp2p, listener: Listener): Promise<void> {
  const handle = async (
    protocol: string,
    take: (frames: Frames, from: PeerId) => Promise<void>
  ): Promise<void> =>
    node.handle(
      protocol,
      async (stream: Stream, { remotePeer }: Connection) => {
        await take(framesOf(stream), remotePeer).then(
          () => stream.close(),
          (error: Error) => stream.abort(error)
        )
      },
      { runOnLimitedConnection: true }
    )
  await handle(MESSAGE, async (frames, from) => {
    const message = await readJson<Message>(frames)
    await writeJson(frames, { taken: listener.message(from, message) })
  })
  await handle(FILE, async (frames, from) => {
    const { name, size } = await readJson<IncomingFile>(frames)
    const progress = listener.file(from, { name, size })
    if (progress === undefined) return writeJson(frames, { taken: false })
    try {
      progress.done(await receive(frames, size, progress))
      await writeJson(frames, { taken: true })
    } catch (error) {
      progress.failed(error)
      throw error
    }
  })
}

/** Resolves once the other page has it. */
export async function say(path: Path, message: Message): Promise<void> {
  const stream = await path.newStream(MESSAGE)
  const frames = framesOf(stream)
  await writeJson(frames, message)
  await taken(frames)
  await stream.close()
}

/** Resolves once the other page has all of it. */
export async function sendFile(path: Path, file: File, moved: (bytes: number) => void): Promise<void> {
  const stream = await path.newStream(FILE)
  try {
    const frames = framesOf(stream)
    await writeJson(frames, { name: file.name, size: file.size } satisfies IncomingFile)
    for (let at = 0; at < file.size; at += PIECE_BYTES) {
      const piece = await file.slice(at, at + PIECE_BYTES).arrayBuffer()
      // Waits for as long as the way is full.
      await frames.write(new Uint8Array(piece), { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })
      moved(at + piece.byteLength)
    }
    await taken(frames)
    await stream.close()
  } catch (error) {
    stream.abort(error as Error)
    throw error
  }
}

async function receive(frames: Frames, size: number, { moved }: Progress): Promise<Blob> {
  const pieces: Uint8Array<ArrayBuffer>[] = []
  for (let received = 0; received < size;) {
    const piece = (await frames.read({ signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })).slice()
    received += piece.byteLength
    if (piece.byteLength === 0 || received > size) throw new Error('The other side sent what is no file.')
    pieces.push(piece)
    moved(received)
  }
  return new Blob(pieces)
}

async function taken(frames: Frames): Promise<void> {
  const answer = await readJson<{ taken: boolean }>(frames)
  if (!answer.taken) throw new Error('The other side talks to someone else.')
}

function framesOf(stream: Stream): Frames {
  return lpStream(stream, { maxDataLength: LONGEST_FRAME_BYTES })
}

async function readJson<T>(frames: Frames): Promise<T> {
  const frame = await frames.read({ signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })
  return JSON.parse(new TextDecoder().decode(frame.subarray())) as T
}

async function writeJson(frames: Frames, value: object): Promise<void> {
  await frames.write(new TextEncoder().encode(JSON.stringify(value)))
}

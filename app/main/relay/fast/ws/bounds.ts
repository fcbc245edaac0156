import type { WebSocketEnd } from '../../../observe/events.ts'

/** How many times it is looked within the time that a WebSocket may be silent. */
const LOOKS = 4

/** A WebSocket that may have fallen silent. */
export interface Watched {
  /** Whether its other side was heard of since this was asked the last time. */
  wasHeard(): boolean
  ping(): void
  /** It did not answer. */
  endSilent(): void
}

export interface WsBoundsComponents {
  ended: (reason: WebSocketEnd) => void
}

export interface WsBoundsOptions {
  maxMessageBytes: number
  /** Until one that is silent is pinged, and again until it is ended. */
  idleSeconds: number
}

/** What all WebSockets of a node are held to, with one timer for all of them. */
export class WsBounds {
  readonly maxMessageBytes: number
  /** Counts one. */
  readonly ended: (reason: WebSocketEnd) => void
  /** With the number of looks since they were heard of. */
  readonly #watched = new Map<Watched, number>()
  #lookMs: number
  #timer: ReturnType<typeof setInterval> | undefined

  constructor({ ended }: WsBoundsComponents, { maxMessageBytes, idleSeconds }: WsBoundsOptions) {
    this.ended = ended
    this.maxMessageBytes = maxMessageBytes
    this.#lookMs = (idleSeconds * 1000) / LOOKS
  }

  setIdleSeconds(seconds: number): void {
    const lookMs = (seconds * 1000) / LOOKS
    if (lookMs === this.#lookMs) return
    this.#lookMs = lookMs
    if (this.#timer === undefined) return
    clearInterval(this.#timer)
    this.#begin()
  }

  watch(socket: Watched): void {
    this.#watched.set(socket, 0)
    if (this.#timer === undefined) this.#begin()
  }

  forget(socket: Watched): void {
    this.#watched.delete(socket)
    if (this.#watched.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #begin(): void {
    this.#timer = setInterval(() => this.#look(), this.#lookMs)
    this.#timer.unref()
  }

  #look(): void {
    for (const [socket, before] of this.#watched) {
      const looks = socket.wasHeard() ? 0 : before + 1
      this.#watched.set(socket, looks)
      if (looks === LOOKS) socket.ping()
      if (looks === 2 * LOOKS) socket.endSilent()
    }
  }
}

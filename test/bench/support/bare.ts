import type { Stream } from '@libp2p/interface'

/** The least that joins two streams: it stops reading at a full writer, and counts, limits and shapes nothing. */
export function bareJoin(source: Stream, target: Stream): void {
  oneWay(source, target)
  oneWay(target, source)
}

function oneWay(from: Stream, to: Stream): void {
  let resuming = false
  from.addEventListener('message', event => {
    if (!to.send(event.data) && !resuming) from.pause()
  })
  from.addEventListener('end', () => void to.close().catch(() => {}))
  const goOn = (): void => {
    if (from.readStatus !== 'paused' || to.writableNeedsDrain) return
    // A pause from within resume() is undone by it.
    resuming = true
    from.resume()
    resuming = false
    if (to.writableNeedsDrain && from.status === 'open') from.pause()
  }
  to.addEventListener('drain', () => queueMicrotask(goOn))
}

/**
 * Works around a fault of @libp2p/webrtc 6.0.33: who dials waits for the "init" channel to open and to close, but the
 * other side closes it as soon as it sees it, and a page on a slow machine then waits for what has passed already, until
 * its time limit ends. With this, whoever listens to such a channel too late is told of it all the same.
 */
export function tellLateListeners(): void {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called with its own object below
  const create = RTCPeerConnection.prototype.createDataChannel
  RTCPeerConnection.prototype.createDataChannel = function (label, options) {
    const channel = create.call(this, label, options)
    if (label === 'init') repeatEvents(channel, ['open', 'close'])
    return channel
  }
}

function repeatEvents(target: EventTarget, names: readonly string[]): void {
  const passed = new Set<string>()
  for (const name of names) target.addEventListener(name, () => passed.add(name), { once: true })
  const listen = target.addEventListener.bind(target)
  target.addEventListener = (name: string, ...rest: [EventListenerOrEventListenerObject | null]) => {
    listen(name, ...rest)
    if (passed.has(name)) queueMicrotask(() => target.dispatchEvent(new Event(name)))
  }
}

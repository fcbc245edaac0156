import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify, identifyPush } from '@libp2p/identify'
import type { Connection, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { peerIdFromString } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { webRTC, webRTCDirect } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { tellLateListeners } from '../../../examples/browser-chat/src/init-channel.ts'

/** A js-libp2p client in a page, driven by the tests through `window.peer`: stock parts, as a web app has them. */

const ECHO = '/echo/1.0.0'
/** Takes bytes to the end, and answers with their number and SHA-256. */
const DIGEST = '/digest/1.0.0'
const LIMITED = { runOnLimitedConnection: true }

/** A connection, as far as a test is about it. */
export interface PathInfo {
  address: string
  direct: boolean
  limited: boolean
}

export interface Digest {
  bytes: number
  sha256: string
}

export interface StartOptions {
  /** Whether WebRTC gets no address to try, as in a network that lets nothing through. */
  findsNoWay?: boolean
  /** How long it may take to connect. */
  dialSeconds?: number
  /** Whether it learns late what happens while WebRTC connects, as on a machine that is busy. */
  isSlow?: boolean
  /** Whether it does without the example's remedy for that. */
  isStock?: boolean
}

let node: Libp2p
/** Relays that it is not to come back to: a client that wants a reservation looks for one by itself. */
const left = new Set<string>()

const peer = {
  /** Starts a client that reserves on whatever relay it is connected to. */
  async start({
    findsNoWay = false,
    dialSeconds = 20,
    isSlow = false,
    isStock = false
  }: StartOptions = {}): Promise<string> {
    if (isSlow) beSlow()
    if (!isStock) tellLateListeners()
    const limit = dialSeconds * 1000
    node = await createLibp2p({
      addresses: { listen: ['/p2p-circuit', '/webrtc'] },
      transports: [
        webSockets(),
        webRTCDirect(),
        // No STUN: everyone is on this machine.
        webRTC({ rtcConfiguration: { iceServers: [], iceTransportPolicy: findsNoWay ? 'relay' : 'all' } }),
        circuitRelayTransport()
      ],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      // Its own 6 s an address are few on a machine that is busy with browsers and tests.
      connectionManager: { dialTimeout: limit, addressDialTimeout: limit, inboundUpgradeTimeout: limit },
      // Browsers refuse private addresses and plain WebSocket unless told otherwise.
      connectionGater: { denyDialMultiaddr: () => false, denyDialPeer: to => left.has(to.toString()) },
      services: { identify: identify(), identifyPush: identifyPush(), ping: ping() }
    })
    await node.handle(ECHO, echo, LIMITED)
    await node.handle(DIGEST, digest, LIMITED)
    return node.peerId.toString()
  },

  /** Connects: to a relay this brings a reservation. @returns its peer id */
  async connect(address: string): Promise<string> {
    return (await node.dial(multiaddr(address))).remotePeer.toString()
  },

  /** Its address over the relay by which others dial it: to meet there, or to go direct from there. */
  async address(kind: 'relayed' | 'webrtc', seconds = 20): Promise<string> {
    const deadline = Date.now() + seconds * 1000
    for (;;) {
      const own = node.getMultiaddrs().map(String)
      const found = own.find(address => address.includes('/webrtc/') === (kind === 'webrtc'))
      if (found !== undefined) return found
      if (Date.now() > deadline) throw new Error(`no reservation within ${seconds} s`)
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  },

  /** Connects to a relay, and again whenever the connection is lost: js-libp2p does not come back by itself. */
  async keep(relay: string): Promise<void> {
    for (;;) {
      await node.dial(multiaddr(relay)).catch(() => {})
      await new Promise(resolve => setTimeout(resolve, 2000))
    }
  },

  hasReservation(): boolean {
    return node.getMultiaddrs().length > 0
  },

  /** Connections to that peer. */
  paths(to: string): PathInfo[] {
    return connectionsTo(to).map(({ remoteAddr, direct, limits }) => ({
      address: remoteAddr.toString(),
      direct,
      limited: limits !== undefined
    }))
  },

  /** Says it over the best connection that is open: what comes back. */
  async say(to: string, words: string): Promise<string> {
    const stream = await open(to, ECHO)
    stream.send(new TextEncoder().encode(words))
    for await (const data of stream) {
      await stream.close()
      return new TextDecoder().decode(data.subarray())
    }
    throw new Error('the stream closed without an answer')
  },

  /** Sends so many random bytes over the best connection: what they were here, and what they were there. */
  async send(to: string, bytes: number): Promise<{ sent: Digest; received: Digest }> {
    const stream = await open(to, DIGEST)
    const data = new Uint8Array(bytes)
    for (let at = 0; at < bytes; at += 65_536) {
      const part = data.subarray(at, at + 65_536)
      crypto.getRandomValues(part)
      if (!stream.send(part))
        await new Promise(resolve => stream.addEventListener('drain', resolve, { once: true }))
    }
    const answer = text(stream)
    await stream.close({ signal: AbortSignal.timeout(60_000) })
    return { sent: await digestOf([data]), received: JSON.parse(await answer) as Digest }
  },

  async hangUp(from: string): Promise<void> {
    await node.hangUp(peerIdFromString(from))
  },

  /** Closes its connection to a relay, for good. */
  async leave(relay: string): Promise<void> {
    left.add(relay)
    await node.hangUp(peerIdFromString(relay))
  },

  async stop(): Promise<void> {
    await node.stop()
  }
}

/** From the moment that WebRTC finds its way, what the relay and WebRTC tell comes late. */
function beSlow(): void {
  let busyUntil = 0
  const late = <E extends Event>(tell: (event: E) => void): ((event: E) => void) => {
    return event => void setTimeout(() => tell(event), Math.max(0, busyUntil - performance.now()))
  }
  Object.defineProperty(RTCPeerConnection.prototype, 'onconnectionstatechange', {
    set(this: RTCPeerConnection, tell: (event: Event) => void) {
      this.addEventListener('iceconnectionstatechange', () => {
        if (this.iceConnectionState === 'connected') busyUntil ||= performance.now() + 2000
      })
      this.addEventListener('connectionstatechange', late(tell))
    }
  })
  const listen = Reflect.get(WebSocket.prototype, 'addEventListener') as typeof addEventListener
  WebSocket.prototype.addEventListener = function (this: WebSocket, name: string, ...rest: never[]) {
    const [tell, options] = rest as unknown[] as [(event: Event) => void, AddEventListenerOptions]
    listen.call(this, name, name === 'message' ? late(tell) : tell, options)
  }
}

function connectionsTo(to: string): Connection[] {
  return node.getConnections(peerIdFromString(to)).filter(({ status }) => status === 'open')
}

function open(to: string, protocol: string): Promise<Stream> {
  const connections = connectionsTo(to)
  const best = connections.find(({ direct }) => direct) ?? connections[0]
  if (best === undefined) throw new Error(`no connection to ${to}`)
  return best.newStream(protocol, LIMITED)
}

async function echo(stream: Stream): Promise<void> {
  for await (const data of stream) stream.send(data)
  await stream.close()
}

async function digest(stream: Stream): Promise<void> {
  const parts: Uint8Array<ArrayBuffer>[] = []
  for await (const data of stream) parts.push(data.slice())
  stream.send(new TextEncoder().encode(JSON.stringify(await digestOf(parts))))
  await stream.close()
}

async function digestOf(parts: Uint8Array<ArrayBuffer>[]): Promise<Digest> {
  const all = await new Blob(parts).arrayBuffer()
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', all))
  return { bytes: all.byteLength, sha256: [...hash].map(byte => byte.toString(16).padStart(2, '0')).join('') }
}

async function text(stream: Stream): Promise<string> {
  let all = ''
  for await (const data of stream) all += new TextDecoder().decode(data.subarray())
  return all
}

export type PagePeer = typeof peer
Object.assign(globalThis, { peer })

import type { PeerId } from '@libp2p/interface'
import type { Libp2p } from 'libp2p'
import { tellLateListeners } from './init-channel.ts'
import { createNode } from './node.ts'
import { dialRelayed, Path, type PathState } from './path.ts'
import { holdReservation } from './relay.ts'
import { listen, say, sendFile, type IncomingFile, type Message, type Progress } from './talk.ts'
import {
  copyLink,
  element,
  Entry,
  hasInvitation,
  onSubmit,
  show,
  showFailure,
  showInvitation,
  showPath,
  showRelay
} from './view.ts'
import { messageOf, sizeOf } from './words.ts'

/**
 * The page is opened as it is, to invite someone, or by an invitation, whose address stands behind the `#`.
 * `?relay=` and `?stun=` fill the form, and go into the invitation.
 */
const parameters = new URLSearchParams(location.search)
const invitation = decodeURIComponent(location.hash.slice(1))

tellLateListeners()

let node: Promise<Libp2p> | undefined
/** The way to the page that this one talks to. */
let path: Path | undefined
/** Where this page dialled; undefined if it was dialled. */
let dialled: string | undefined
/** Whoever holds a reservation now. */
let holding = new AbortController()

function start(relay: string, stun: string): void {
  if (stun !== '') parameters.set('stun', stun)
  holding.abort()
  holding = new AbortController()
  const { signal } = holding
  void startNode(stun).then(started =>
    holdReservation(started, {
      relay,
      signal,
      changed: state => {
        showRelay(state)
        if (state.name !== 'reserved') return
        const query = parameters.size === 0 ? '' : `?${parameters.toString()}`
        showInvitation(`${location.origin}${location.pathname}${query}#${state.address}`)
        show('meet', path?.connection === undefined)
      }
    })
  )
}

function startNode(stun: string): Promise<Libp2p> {
  element<HTMLInputElement>('stun').disabled = true
  node ??= createNode(stun === '' ? [] : [stun]).then(async created => {
    await listen(created, {
      message: (from, message) => onMessage(created, from, message),
      file: onFile
    })
    return created
  })
  return node
}

/** Goes to the page that has this address: over the relay first, which works everywhere, then by WebRTC. */
async function join(address: string): Promise<void> {
  dialled = address.replace('/p2p-circuit/webrtc/', '/p2p-circuit/')
  show('start', false)
  show('meet', false)
  show('talk')
  showPath({ name: 'connecting' }, true)
  try {
    const started = await startNode(parameters.get('stun') ?? '')
    const peer = await dialRelayed(started, dialled)
    const joined = talkTo(started, peer)
    await say(joined, { kind: 'hello' })
    await joined.goDirect(dialled)
  } catch (error) {
    showFailure(messageOf(error))
    showMeeting()
  }
}

/** Another page may be met only by one that has a reservation. */
function showMeeting(): void {
  show('start', invitation === '')
  show('meet', hasInvitation())
}

function talkTo(started: Libp2p, peer: PeerId): Path {
  if (path?.peer.equals(peer) === true) return path
  path?.forget()
  show('talk')
  path = new Path(started, peer, showState)
  return path
}

function showState(state: PathState): void {
  showPath(state, dialled !== undefined)
  if (state.name === 'lost') showMeeting()
  else {
    show('start', false)
    show('meet', false)
  }
}

function onMessage(started: Libp2p, from: PeerId, message: Message): boolean {
  // One at a time.
  if (message.kind === 'hello' && path?.connection === undefined) {
    dialled = undefined
    talkTo(started, from)
  }
  if (path?.peer.equals(from) !== true) return false
  if (message.kind === 'text') new Entry('them', message.text, `them, ${way()}`)
  return true
}

function onFile(from: PeerId, { name, size }: IncomingFile): Progress | undefined {
  if (path?.peer.equals(from) !== true) return undefined
  const entry = new Entry('them', name, '')
  entry.moved(0, size)
  return {
    moved: bytes => entry.moved(bytes, size),
    done(file) {
      entry.note(`${sizeOf(size)}, ${way()}`)
      entry.offer(file, name)
    },
    failed: error => entry.note(`It did not arrive: ${messageOf(error)}`, true)
  }
}

/** By which way something goes now. */
function way(): string {
  return path?.connection?.direct === true ? 'direct' : 'through the relay'
}

async function sendText(text: string): Promise<void> {
  const entry = new Entry('me', text, 'sending …')
  await deliver(entry, to => say(to, { kind: 'text', text }))
}

async function send(file: File): Promise<void> {
  const entry = new Entry('me', file.name, '')
  entry.moved(0, file.size)
  await deliver(entry, to => sendFile(to, file, bytes => entry.moved(bytes, file.size)), sizeOf(file.size))
}

async function deliver(entry: Entry, act: (to: Path) => Promise<void>, what = 'you'): Promise<void> {
  try {
    if (path === undefined) throw new Error('The other side is gone.')
    const by = way()
    await act(path)
    entry.note(`${what}, ${by}`)
  } catch (error) {
    entry.note(`Not delivered: ${messageOf(error)}`, true)
  }
}

onSubmit('relay-form', 'relay', relay => {
  parameters.set('relay', relay)
  start(relay, element<HTMLInputElement>('stun').value.trim())
})
onSubmit('join-form', 'join', link => void join(decodeURIComponent(link.slice(link.indexOf('#') + 1))))
onSubmit('say-form', 'say', text => {
  element<HTMLFormElement>('say-form').reset()
  void sendText(text)
})
element('copy').addEventListener('click', () => void copyLink())
element('again').addEventListener('click', () => {
  if (dialled !== undefined) void join(dialled)
})
element<HTMLInputElement>('file').addEventListener('change', ({ target }) => {
  const field = target as HTMLInputElement
  for (const file of field.files ?? []) void send(file)
  field.value = ''
})

// Another link in the same tab is another start.
addEventListener('hashchange', () => location.reload())

/** The relay of the page's own server, where that has one. */
const own = import.meta.env['VITE_RELAY'] as string | undefined
const relay = parameters.get('relay') ?? (own && new URL(own, location.href).href)
const stun = parameters.get('stun') ?? ''
element<HTMLInputElement>('relay').value = relay ?? ''
element<HTMLInputElement>('stun').value = stun
if (invitation !== '') void join(invitation)
else if (relay !== undefined) start(relay, stun)

import { renderSVG } from 'uqr'
import type { PathState } from './path.ts'
import type { RelayState } from './relay.ts'
import { sizeOf } from './words.ts'

/** What stands on the page. */

export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`the page has no #${id}`)
  return found as T
}

const valueOf = (id: string): string => element<HTMLInputElement>(id).value.trim()

export function onSubmit(form: string, field: string, act: (value: string) => void): void {
  element(form).addEventListener('submit', event => {
    event.preventDefault()
    act(valueOf(field))
  })
}

export function show(id: string, shown = true): void {
  element(id).hidden = !shown
}

export function showRelay(state: RelayState): void {
  const words = {
    connecting: () => 'Connecting to the relay …',
    reserved: () => 'Connected: the relay keeps a place for this page.',
    waiting: () => `${'why' in state ? state.why : ''} Trying again …`
  }
  const line = element('relay-state')
  line.dataset['state'] = state.name
  line.textContent = words[state.name]()
  line.hidden = false
  // Another relay can be given until there is one.
  show('relay-form', state.name !== 'reserved')
}

export function showInvitation(link: string): void {
  element('qr').innerHTML = renderSVG(link, { border: 1 })
  const code = element('qr').querySelector('svg')
  code?.setAttribute('role', 'img')
  code?.setAttribute('aria-label', 'The link below, as a QR code')
  element<HTMLInputElement>('link').value = link
}

export function hasInvitation(): boolean {
  return element<HTMLInputElement>('link').value !== ''
}

export async function copyLink(): Promise<void> {
  const field = element<HTMLInputElement>('link')
  field.select()
  try {
    await navigator.clipboard.writeText(field.value)
    element('copied').textContent = 'Copied.'
  } catch {
    // Pages that came by plain http may not: the link is selected.
    element('copied').textContent = 'Press Ctrl-C to copy it.'
  }
}

const PATHS = {
  connecting: ['Connecting …', ''],
  relayed: ['Through the relay', 'Every message goes through it, encrypted.'],
  direct: ['Direct', 'WebRTC connects the two browsers. The relay carries nothing any more.'],
  'relayed-only': [
    'Through the relay',
    'A direct way was not found. Everything works, within the limits of the relay.'
  ],
  lost: ['Not connected', 'The connection has ended.']
} as const

/** @param canDial whether this page can connect to the other one, and not the other way about */
export function showPath(state: PathState | { name: 'connecting' }, canDial: boolean): void {
  const [name, more] = PATHS[state.name]
  element('path').dataset['state'] = state.name
  element('path-name').textContent = name
  element('path-more').textContent = more
  if ('why' in state) element('path-more').title = state.why
  show('again', canDial && (state.name === 'lost' || state.name === 'relayed-only'))
}

/** That there is no connection to the other page, and why. */
export function showFailure(why: string): void {
  showPath({ name: 'lost' }, true)
  element('path-more').textContent = why
}

type From = 'me' | 'them'

/** A message in the list, whose second line can be changed. */
export class Entry {
  readonly #box = document.createElement('div')
  readonly #note = document.createElement('div')
  #progress: HTMLProgressElement | undefined

  constructor(from: From, text: string, note: string) {
    const words = document.createElement('div')
    words.textContent = text
    this.#box.className = 'message'
    this.#box.dataset['from'] = from
    this.#note.className = 'small'
    this.#note.textContent = note
    this.#box.append(words, this.#note)
    const list = element('messages')
    list.append(this.#box)
    list.scrollTop = list.scrollHeight
  }

  note(text: string, isBad = false): void {
    this.#note.textContent = text
    this.#note.classList.toggle('bad', isBad)
  }

  /** How much of a file has passed. */
  moved(bytes: number, of: number): void {
    if (this.#progress === undefined) {
      this.#progress = document.createElement('progress')
      this.#progress.setAttribute('aria-label', this.#box.firstElementChild?.textContent ?? '')
      this.#note.before(this.#progress)
    }
    this.#progress.max = Math.max(of, 1)
    this.#progress.value = bytes
    this.#note.textContent = `${sizeOf(bytes)} of ${sizeOf(of)}`
  }

  /** Puts a link to the file into it. */
  offer(file: Blob, name: string): void {
    const link = document.createElement('a')
    link.href = URL.createObjectURL(file)
    link.download = name
    link.textContent = 'Save'
    this.#note.append(' · ', link)
  }
}

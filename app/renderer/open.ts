import type { Result } from '../shared/api.ts'
import './base.css'
import { keepSessionKey } from './client/session-key.ts'
import './open.css'
import { language, texts } from './text/language.ts'

/**
 * The page of a one-time link, `/open#CODE`: gives the code to the node, keeps the session's key and goes to the
 * dashboard. The code stands behind the #, where no server, log or preview of the link sees it.
 */

const words = texts({
  en: {
    wait: 'Opening the dashboard …',
    failed: 'This link does not open the dashboard',
    unusable: 'It was used already, or is older than five minutes. Get a new one where the node runs:',
    tooMany: 'Too many links were tried. Wait a minute, then get a new one where the node runs:',
    unreachable:
      'The node does not answer. Is it running, and is the SSH tunnel to it open? Then get a new link where the node runs:',
    noStorage:
      'This browser keeps nothing for this page, and without that nobody can stay signed in. Allow it to, then get a new link where the node runs:'
  },
  de: {
    wait: 'Die Übersicht wird geöffnet …',
    failed: 'Dieser Link öffnet die Übersicht nicht',
    unusable:
      'Er wurde schon benutzt oder ist älter als fünf Minuten. Einen neuen gibt es dort, wo der Knoten läuft:',
    tooMany:
      'Es wurden zu viele Links versucht. Warte eine Minute; einen neuen gibt es dort, wo der Knoten läuft:',
    unreachable:
      'Der Knoten antwortet nicht. Läuft er, und steht der SSH-Tunnel zu ihm? Einen neuen Link gibt es dort, wo der Knoten läuft:',
    noStorage:
      'Dieser Browser speichert nichts für diese Seite, und ohne das bleibt niemand angemeldet. Erlaube es ihm; einen neuen Link gibt es dort, wo der Knoten läuft:'
  }
})

type Problem = 'unusable' | 'tooMany' | 'unreachable' | 'noStorage'
const COMMAND = 'waystation dashboard'

document.documentElement.lang = language
const main = document.querySelector('#open')!
// The code was put into the address bar of a page that is open already.
window.addEventListener('hashchange', () => void open())
void open()

async function open(): Promise<void> {
  const code = location.hash.slice(1)
  // It must not stay in the history.
  history.replaceState(null, '', location.pathname)
  show([element('p', words.wait)])
  const problem = code === '' ? 'unusable' : await signIn(code)
  if (problem === undefined) location.replace('/')
  else showProblem(problem)
}

async function signIn(code: string): Promise<Problem | undefined> {
  let result: Result<{ key: string }>
  try {
    const response = await fetch('/session', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code })
    })
    result = (await response.json()) as Result<{ key: string }>
  } catch {
    return 'unreachable'
  }
  if (!result.ok) return result.error.code === 'too-many-attempts' ? 'tooMany' : 'unusable'
  try {
    keepSessionKey(result.value.key)
    return undefined
  } catch {
    return 'noStorage'
  }
}

function showProblem(problem: Problem): void {
  const command = element('p')
  command.append(element('code', COMMAND))
  show([element('h1', words.failed), element('p', words[problem]), command])
}

function show(parts: readonly HTMLElement[]): void {
  main.replaceChildren(...parts)
}

function element(name: 'h1' | 'p' | 'code', text = ''): HTMLElement {
  const made = document.createElement(name)
  made.textContent = text
  return made
}

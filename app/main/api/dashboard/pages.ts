import { createHash } from 'node:crypto'

/** Pages that the node writes itself, in words alone: what to do where the dashboard cannot be shown. */

type Language = 'en' | 'de'

interface Words {
  title: string
  /** HTML. */
  paragraphs: readonly string[]
}

const SIGN_IN: Record<Language, Words> = {
  en: {
    title: 'Sign in to this node',
    paragraphs: [
      'This is the dashboard of a Waystation node. It opens with a link that the node gives to its operator. Run this where the node runs, and open what it prints:',
      '<code>waystation dashboard</code>',
      'In a clone: <code>npx waystation dashboard</code>. For a node with a data folder of its own add <code>--data-dir DIR</code>.',
      'Signed in already in this browser? <a href="/">Open the dashboard</a>'
    ]
  },
  de: {
    title: 'Bei diesem Knoten anmelden',
    paragraphs: [
      'Dies ist die Übersicht eines Waystation-Knotens. Sie öffnet sich mit einem Link, den der Knoten seinem Betreiber gibt. Führe dies dort aus, wo der Knoten läuft, und öffne, was es ausgibt:',
      '<code>waystation dashboard</code>',
      'In einem Klon: <code>npx waystation dashboard</code>. Hat der Knoten einen eigenen Datenordner, füge <code>--data-dir ORDNER</code> an.',
      'In diesem Browser schon angemeldet? <a href="/">Zur Übersicht</a>'
    ]
  }
}

const NOT_BUILT: Record<Language, Words> = {
  en: {
    title: 'The dashboard is not built yet',
    paragraphs: [
      'This node runs from a clone, and the pages of its dashboard are built there once. Run this in the clone, then load this page again; the node may go on running:',
      '<code>npm run build:renderer</code>'
    ]
  },
  de: {
    title: 'Die Übersicht ist noch nicht gebaut',
    paragraphs: [
      'Dieser Knoten läuft aus einem Klon, und die Seiten seiner Übersicht werden dort einmal gebaut. Führe dies im Klon aus und lade diese Seite neu; der Knoten darf dabei weiterlaufen:',
      '<code>npm run build:renderer</code>'
    ]
  }
}

const STYLE =
  ':root{color-scheme:light dark}body{font:1rem/1.6 system-ui,sans-serif;max-width:34rem;margin:18vh auto 2rem;padding:0 1.5rem}' +
  'h1{font-size:1.4rem;line-height:1.3}code{font:.95em ui-monospace,monospace}'

/** The one style that these pages bring along, for their Content-Security-Policy. */
export const PAGE_STYLE = `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`

export const signInPage = (acceptLanguage: string | undefined): string => page(SIGN_IN, acceptLanguage)

export const notBuiltPage = (acceptLanguage: string | undefined): string => page(NOT_BUILT, acceptLanguage)

function page(words: Record<Language, Words>, acceptLanguage: string | undefined): string {
  const language = languageOf(acceptLanguage)
  const { title, paragraphs } = words[language]
  return (
    `<!doctype html>\n<html lang="${language}"><head><meta charset="utf-8">` +
    '<meta name="viewport" content="width=device-width, initial-scale=1">' +
    `<title>${title} · Waystation</title><style>${STYLE}</style></head>` +
    `<body><main><h1>${title}</h1>${paragraphs.map(text => `<p>${text}</p>`).join('')}</main></body></html>\n`
  )
}

/** The first that we have, in the order that browsers send; what they weigh lower stands behind. */
function languageOf(acceptLanguage = ''): Language {
  const tags = acceptLanguage.split(',').map(tag => tag.trim().slice(0, 2).toLowerCase())
  return tags.find(tag => tag === 'en' || tag === 'de') ?? 'en'
}

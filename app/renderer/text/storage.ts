import { language, texts } from './language.ts'
import { settingLabel } from './setting-labels.ts'

const kinds = texts({
  en: {
    settings: 'Settings',
    identity: 'Identity key',
    history: 'History',
    'control-token': 'Secret of the dashboard',
    control: 'Where the node answers',
    lock: 'Mark that the node runs',
    'auto-tls': 'Certificate for browsers',
    window: 'Window',
    starts: 'Starts of the app',
    chromium: 'What the window keeps',
    other: 'Something else'
  },
  de: {
    settings: 'Einstellungen',
    identity: 'Schlüssel',
    history: 'Verlauf',
    'control-token': 'Geheimnis des Dashboards',
    control: 'Wo der Knoten antwortet',
    lock: 'Zeichen, dass der Knoten läuft',
    'auto-tls': 'Zertifikat für Browser',
    window: 'Fenster',
    starts: 'Starts der App',
    chromium: 'Was das Fenster aufhebt',
    other: 'Etwas anderes'
  }
})

export function storedKind(kind: string): string {
  return (kinds as Record<string, string>)[kind] ?? kind
}

/** What the node says in English of its fields; test/unit/renderer holds them against what it says now. */
export const GERMAN_FIELDS: Record<string, string> = {
  'version of the format': 'Version des Formats',
  'the settings as an older version wrote them': 'die Einstellungen, wie eine ältere Version sie schrieb',
  'the private key that the peer id belongs to': 'der private Schlüssel, zu dem die Peer-ID gehört',
  'the private key of before': 'der private Schlüssel von vorher',
  'the secret that opens the control API and the dashboard':
    'das Geheimnis, das die Steuer-API und das Dashboard öffnet',
  'where the control API answers': 'wo die Steuer-API antwortet',
  'number of the process': 'Nummer des Prozesses',
  'version of Waystation': 'Version von Waystation',
  'when the mark was made': 'wann das Zeichen gesetzt wurde',
  'when the process was started': 'wann der Prozess gestartet wurde',
  'place and size of the window': 'Ort und Größe des Fensters',
  'whether it is maximised': 'ob es maximiert ist',
  zoom: 'Zoom',
  'which notices and notifications were shown, and when or for what':
    'welche Hinweise und Meldungen gezeigt wurden, und wann oder wofür',
  'the version of the app, how many of its starts failed, and whether one went well':
    'die Version der App, wie viele ihrer Starts scheiterten und ob einer gelang',
  'the version before and the one being installed, and where their installers are':
    'die Version davor und die, die installiert wird, und wo ihre Installationsdateien liegen',
  'what the window keeps: its cache and its own settings':
    'was das Fenster aufhebt: seinen Zwischenspeicher und seine eigenen Einstellungen',
  'bytes relayed from dialers to listeners': 'Bytes, von Dialern zu Listenern weitergeleitet',
  'bytes relayed from listeners to dialers': 'Bytes, von Listenern zu Dialern weitergeleitet',
  'bytes the node received': 'Bytes, die der Knoten empfing',
  'bytes the node sent': 'Bytes, die der Knoten sandte',
  'how many circuits were made': 'wie viele Circuits es gab',
  'how long the node ran': 'wie lange der Knoten lief',
  'how many different peers were connected': 'wie viele verschiedene Peers verbunden waren',
  'how many requests were refused, by reason': 'wie viele Anfragen abgelehnt wurden, nach Grund',
  'bytes relayed and circuits made for each network, by its name':
    'weitergeleitete Bytes und Circuits jedes Netzes, nach seinem Namen',
  'how long each rule of the budget held the node': 'wie lange jede Regel des Budgets den Knoten hielt',
  'of each day and month that had a quota: its limit, and which traffic it counted':
    'von jedem Tag und Monat mit einem Kontingent: sein Limit, und welchen Verkehr es zählte',
  'each minute of the last day': 'jede Minute des letzten Tages',
  'each hour of the last 90 days': 'jede Stunde der letzten 90 Tage',
  'each day': 'jeder Tag',
  'each month': 'jeder Monat',
  'all the time since the history began': 'die ganze Zeit seit Beginn des Verlaufs',
  'when the history began': 'wann der Verlauf begann',
  'whether the node is paused, and until when': 'ob der Knoten pausiert, und bis wann',
  'which quotas hold the node, and until when': 'welche Kontingente den Knoten halten, und bis wann',
  'of figures that were deleted, the traffic that the quotas still count':
    'von gelöschten Zahlen der Verkehr, den die Kontingente noch zählen',
  'the certificate of secure WebSocket and its private key':
    'das Zertifikat für sicheres WebSocket und sein privater Schlüssel',
  'the private key of the account at the certificate authority':
    'der private Schlüssel des Kontos bei der Zertifizierungsstelle',
  'the version of the format, and a sum against damage':
    'die Version des Formats und eine Prüfsumme gegen Schäden'
}

const fieldText = (field: string): string =>
  language === 'de' ? (GERMAN_FIELDS[field] ?? settingLabel(field)) : settingLabel(field)

/** One thing that is kept, and for which times, if it is kept for several. */
export interface StoredField {
  what: string
  periods: string[]
}

/** `bytes sent, in each day` and the like, put together by what they count. */
export function fieldsByWhat(fields: readonly string[]): StoredField[] {
  const all = new Map<string, string[]>()
  for (const field of fields) {
    // Those of a copy of before are the same fields; that it is a copy shows in its name.
    const [what = '', period] = field.replace(/^as it was before: /, '').split(', in ')
    all.set(what, [...(all.get(what) ?? []), ...(period === undefined ? [] : [fieldText(period)])])
  }
  return [...all].map(([what, periods]) => ({ what: fieldText(what), periods }))
}

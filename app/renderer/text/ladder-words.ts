import type { LadderDetails } from '../../shared/api.ts'
import { firewallCommand, firewallName, type LadderCode } from '../../shared/ladder-words.ts'
import { mappingCause, reachCause } from './causes.ts'
import { language, type Language } from './language.ts'

/** The sentences of the ladder in German, under the codes of shared/ladder-words.ts; in English the node says them. */

interface Words {
  cause: string
  mend?: string
}

export interface Said extends Words {
  code: string
  details?: LadderDetails
}

type Write = (details: LadderDetails, said: Said) => Words

const BY_HAND = 'leite den Port im Router von Hand weiter und setze announceIp'
const text = (details: LadderDetails, key: string): string => String(details[key] ?? '')
const firewall = (details: LadderDetails): string =>
  ({ windows: 'die Windows-Defender-Firewall', macos: 'die Firewall von macOS' })[
    text(details, 'firewall')
  ] ?? firewallName(text(details, 'firewall'))

function letIn(details: LadderDetails): string {
  const command = firewallCommand(text(details, 'firewall'), text(details, 'port'))
  if (command === undefined)
    return 'Erlaube Waystation in Systemeinstellungen > Netzwerk > Firewall > Optionen.'
  return details['firewall'] === 'windows'
    ? `Erlaube Waystation in Windows-Sicherheit > Firewall > App zulassen, oder führe als Administrator aus: ${command}`
    : `Lass ihn herein: ${command}`
}

/** Sentences of the system stay as they are. */
const asSaid: Write = (_, { cause, mend }) => ({ cause, ...(mend !== undefined && { mend }) })
const reached: Write = (details, { cause }) => ({ cause: reachCause(text(details, 'said') || cause, 'de') })
const known = (cause: string, mend?: string): Write => {
  const words = mend === undefined ? { cause } : { cause, mend }
  return () => words
}

const GERMAN: Record<LadderCode, Write> = {
  listening: ({ port }) => ({ cause: `Auf diesem Rechner offen, Port ${port}.` }),
  'cannot-open': asSaid,
  'no-family': known('Dieser Rechner hat kein IPv6.'),
  'not-listening': known(
    'Nichts ist offen, obwohl die Einstellungen es verlangen.',
    'Starte den Knoten neu; bleibt es so, sagt sein Protokoll warum.'
  ),
  'no-certificate': known(
    'Öffnet sich, sobald es ein Zertifikat gibt.',
    'Setze tls.cert und tls.key, oder ws.autoTls, das eines holt, sobald eine Adresse bestätigt ist.'
  ),
  'rung-below': known('Das kommt nach der Stufe davor.'),
  'loopback-only': known('Lauscht nur auf diesem Rechner, wie die Einstellungen es wollen.'),
  'not-needed': known('Dieser Rechner hat eine öffentliche Adresse: Kein Router muss weiterleiten.'),
  'given-by-hand': known('Die Einstellungen sagen, wo er erreicht wird; kein Router wird gefragt.'),
  'forwarded-by-hand': known('Peers erreichen die Adresse: Jemand lässt einen Router dahin weiterleiten.'),
  'no-public-ip6': known(
    'Dieser Rechner hat keine öffentliche IPv6-Adresse.',
    'Bietet der Anbieter IPv6, schalte es im Router ein.'
  ),
  'mapping-off': known(
    'Kein Router wird um eine Weiterleitung gebeten.',
    `Schalte die Einstellung upnp ein, oder ${BY_HAND}.`
  ),
  mapped: ({ port }) => ({ cause: `Der Router leitet Port ${port} weiter.` }),
  'mapped-elsewhere': ({ port, outer }) => ({
    cause: `Der Router leitet seinen Port ${outer} an ${port} weiter: Sein eigener ${port} gehört einem anderen Gerät.`
  }),
  pinhole: ({ port }) => ({ cause: `Der Router lässt IPv6 zu Port ${port} herein.` }),
  'pinhole-failed': details => {
    const port = text(details, 'port')
    const byHand = `Lass ${port} in der IPv6-Firewall des Routers von Hand zu diesem Rechner herein.`
    if (text(details, 'why') === 'no-answer') return { cause: 'Der Router antwortet nicht mehr.' }
    return text(details, 'why') === 'pinholes-forbidden'
      ? {
          cause: 'Die IPv6-Firewall des Routers ist eingeschaltet, und kein Programm darf sie öffnen.',
          mend: `Erlaube es dort („Pinholes“, UPnP für IPv6). Oder: ${byHand}`
        }
      : { cause: `Der Router verweigerte, IPv6 zu ${port} hereinzulassen.`, mend: byHand }
  },
  'asking-router': known('Der Router wird gerade gefragt.'),
  'not-asked': known('Nach diesem Port wurde der Router nicht gefragt.'),
  'two-routers': ({ router, outer, seen }) => ({
    cause: `Es gibt zwei Router: Dieser (${router}) hat selbst nur die private Adresse ${outer}, von einem anderen Router davor${seen === undefined ? '' : ` (im Internet ${seen})`}.`,
    mend: `Nutze ${router} als Bridge, oder schalte UPnP in beiden ein und leite vom äußeren an ${outer} weiter.`
  }),
  'two-routers-hidden': ({ router }) => ({
    cause: `Es gibt zwei Router: Dieser (${router}) hat keine öffentliche Adresse und führt trotzdem ins Internet, durch einen anderen Router oder das NAT des Anbieters.`,
    mend: `Nutze ${router} als Bridge, oder leite die Ports im äußeren Router an ihn weiter; beim NAT des Anbieters bitte um eine öffentliche Adresse.`
  }),
  'carrier-nat': ({ router, outer }) => ({
    cause: `Der Router (${router}) teilt sich seine Adresse mit anderen Kunden: Der Anbieter gab ihm ${outer}, und die erreicht von außen niemand.`,
    mend: 'Bitte den Anbieter um eine öffentliche IPv4-Adresse, oder nutze IPv6.'
  }),
  'router-failed': (details, { cause }) => ({
    cause: mappingCause({ code: text(details, 'why'), cause }, undefined, 'de') ?? cause
  }),
  'no-gateway-firewall': details => ({
    cause: `Kein Router antwortete über UPnP oder NAT-PMP. Hier ist ${firewall(details)} eingeschaltet und verwirft vielleicht die Antworten (UDP von Port 1900 und 5351).`,
    mend: `Lass Antworten des Routers herein, und schalte UPnP im Router ein; oder ${BY_HAND}.`
  }),
  verified: reached,
  given: known(
    'Die Einstellungen geben diese Adresse vor, und niemand hat sie geprüft.',
    'waystation doctor --via MULTIADDR lässt einen Peer deiner Wahl sie anwählen.'
  ),
  unreachable: reached,
  firewall: details => ({
    cause: `Peers von außen konnten sie nicht erreichen. Hier ist ${firewall(details)} eingeschaltet und verwirft vielleicht, was an Port ${text(details, 'port')} kommt.`,
    mend: letIn(details)
  }),
  'nobody-tried': known(
    'Von außen hat noch kein Peer versucht, sie zu erreichen.',
    'Das geschieht, sobald solche Peers verbunden sind: Tritt einem Netz bei, oder lass einen deiner Wahl sie anwählen: waystation doctor --via MULTIADDR.'
  ),
  'private-only': known('Keine öffentliche Adresse ist bekannt: Erreicht wird er nur aus diesem Netz.'),
  advertised: ({ servers }) => ({ cause: `Bekannt gegeben, und in der DHT ${servers} Servern bekannt.` }),
  'dht-off': known(
    'Die DHT ist ausgeschaltet: Peers erfahren von diesem Knoten nur durch dich.',
    'Schalte die Einstellung dht.enabled ein, oder gib die Adresse weiter.'
  ),
  'not-announced': known('Wird bekannt gegeben, sobald sie bestätigt oder vorgegeben ist.'),
  'dht-nobody': known(
    'Kein Peer der beigetretenen Netze antwortet; so erfährt niemand von diesem Knoten.',
    'Sieh nach den Bootstrap-Peers des Netzes, und ob dieser Rechner online ist.'
  ),
  'no-network': known(
    'Keinem Netz beigetreten; so erfährt niemand von diesem Knoten.',
    'Füge das Netz einer App hinzu, oder gib die Adresse weiter.'
  ),
  reserved: ({ milliseconds }) => ({
    cause: `Ein Test-Client bekam eine Reservierung (${milliseconds} ms).`
  }),
  'reserved-inside': ({ milliseconds }) => ({
    cause: `Ein Test-Client bekam eine Reservierung (${milliseconds} ms), dort wo der Knoten lauscht; die bekannt gegebene Adresse antwortet aus diesem Netz heraus nicht, wie bei vielen Routern.`
  }),
  relayed: ({ milliseconds }) => ({
    cause: `Zwei Test-Clients trafen sich über den Knoten (${milliseconds} ms).`
  }),
  resting: known('Der Knoten nimmt gerade keine neue Arbeit an und wird deshalb nicht getestet.'),
  'not-testable': known(
    'Für diesen Transport hat der Knoten keinen Client und kann ihn nicht selbst testen.'
  ),
  'not-tested': known('Noch nicht getestet.', 'Starte den Selbsttest.'),
  testing: known('Wird gerade getestet.'),
  'test-failed': details => ({
    cause: `Der Selbsttest kam nicht zustande: ${text(details, 'said')}`,
    mend: 'Starte ihn noch einmal; bleibt es so, sagt das Protokoll mehr.'
  }),
  'dial-failed': known(
    'Unter dieser Adresse antwortete niemand.',
    'Starte den Knoten neu. Bleibt es so, verhindert vielleicht eine Firewall Verbindungen dieses Rechners zu sich selbst.'
  ),
  'other-peer': known(
    'Unter der bekannt gegebenen Adresse antwortet ein anderer Peer.',
    'Sieh nach announce, announceIp und announceHost, und an welchen Rechner der Router den Port weiterleitet.'
  ),
  'untrusted-certificate': known(
    'Dem Zertifikat wird nicht vertraut.',
    'Browser würden sich auch nicht verbinden: Sieh nach tls.cert, oder nutze ws.autoTls.'
  ),
  refused: known('Der Knoten wies seinen eigenen Client ab.', 'Das Protokoll sagt warum.'),
  'no-answer': known(
    'Der Knoten nahm die Verbindung an und antwortete nicht.',
    'Starte den Knoten neu; das Protokoll sagt vielleicht mehr.'
  ),
  'wrong-echo': known(
    'Was zurückkam, war nicht das Gesendete.',
    'Das ist ein Fehler des Programms: Bitte melde ihn.'
  ),
  healthy: ({ count }) => ({
    cause:
      count === 1
        ? 'Es funktioniert: Ein Weg führt von außen herein.'
        : `Es funktioniert: ${count} Wege führen von außen herein.`
  }),
  'no-demand': known(
    'Alles in Ordnung; bisher hat niemand etwas gewollt.',
    'Füge das Netz einer App hinzu, die Relays braucht, oder gib die Adresse weiter.'
  ),
  'no-demand-joined': known(
    'Alles in Ordnung; bisher hat niemand etwas gewollt.',
    'Nach und nach finden Peers den Knoten; mit einem weiteren Netz nützt er mehr von ihnen.'
  ),
  local: known(
    'In diesem Netz funktioniert es. Von außen erreicht ihn niemand, wie die Einstellungen es wollen.',
    `Soll er von außen erreicht werden, schalte die Einstellung upnp ein, oder ${BY_HAND}.`
  ),
  off: known('Der Knoten ist ausgeschaltet.', 'Schalte die Einstellung relay.enabled ein.'),
  starting: known('Der Knoten startet.'),
  'takes-no-work': known('Der Knoten nimmt gerade keine neue Arbeit an.'),
  fault: asSaid
}

/** What a rung, or the whole, says in the language of the pages. A code that is not known says what the node said. */
export function ladderWords(said: Said, to: Language = language): Words {
  const write = to === 'de' && Object.hasOwn(GERMAN, said.code) ? GERMAN[said.code as LadderCode] : asSaid
  return write(said.details ?? {}, said)
}

import { plural, texts } from './language.ts'

/** The reasons are the words of the node; some mean another thing for a reservation than for a circuit. */
export const refusals = texts({
  en: {
    intro: 'What was asked of this node and not granted: where your limits are met, and where others fail.',
    ranges: { hour: 'Last hour', day: 'Last day', start: 'Since the start' },
    range: 'Time',
    none: {
      hour: 'Nothing was refused in the last hour. Nobody who asked was turned away.',
      day: 'Nothing was refused in the last day. Nobody who asked was turned away.',
      start: 'Nothing was refused since the start. Nobody who asked was turned away.'
    },
    total: (count: number, text: string) => `${text} ${plural(count, 'request', 'requests')} refused`,
    problem: (why: string) => `They could not be read: ${why}`,
    reading: 'Asking the node …',
    off: 'The relay is off, so nobody can ask it for anything.',
    request: { reserve: 'Reservation', connect: 'Circuit' },
    times: (count: number, text: string) => `${text} ${plural(count, 'time', 'times')}`,
    setting: 'What changes it:',
    noSetting: 'No setting changes this.',
    reasons: {
      'full/reserve': ['All reservations taken', 'As many peers held a reservation as you allow.'],
      'full/connect': ['All circuits taken', 'As many circuits ran as you allow.'],
      'per-ip-full': [
        'Too many reservations from one address',
        'One address (of IPv6 one /56) held as many as you allow it. There can be many people behind one.'
      ],
      'per-peer-full': [
        'Too many circuits of one peer',
        'The dialer or the listener was in as many circuits as you allow one peer.'
      ],
      'peer-rate': ['A peer asked too often', 'One peer made more attempts a minute than you allow it.'],
      'ip-rate': [
        'An address asked too often',
        'More attempts a minute came from one address (of IPv6 one /56) than you allow it.'
      ],
      'fair-share': [
        'A peer had had its share',
        'The data was nearly used up, and this peer had more than its fair share of the rest.'
      ],
      overloaded: [
        'The node was too busy',
        'It came late to its work, or used more of this machine than you allow; new work is taken again when that is over.'
      ],
      quota: ['The data was used up', 'Until the month or day begins anew, the node takes nothing new.'],
      schedule: ['Outside its hours', 'The node takes nothing new outside the hours that you gave it.'],
      power: [
        'Battery, metered connection or full screen',
        'By your rules the node takes nothing new while one of them is so.'
      ],
      draining: ['The node was stopping', 'Before it stops it lets circuits finish and takes no new ones.'],
      paused: ['The node was paused', 'What ran went on; nothing new was taken until it was resumed.'],
      'not-allowed': ['Not on your list', 'You let in certain peers and addresses only; this was another.'],
      denied: ['Blocked by you', 'The peer, or the address it came from, is on your list of those blocked.'],
      'over-relay': [
        'Came through another relay',
        'This relay serves those who reach it directly, so that relays are not chained.'
      ],
      'target-gone': ['The listener had left', 'It held a reservation, but its connection was just gone.'],
      'target-silent': [
        'The listener did not answer',
        'It was asked whether it takes the circuit, and said nothing in time.'
      ],
      'target-refused': ['The listener declined', 'It was asked whether it takes the circuit, and said no.'],
      'no-reservation': [
        'The listener has no reservation here',
        'A dialer asked for a peer that does not use this relay, or no longer. Old addresses live on for a while, so some of these are normal.'
      ],
      malformed: ['Unreadable request', 'What was sent is no message of the relay protocol, or too long.'],
      'too-slow': ['The request came too slowly', 'Its one short message was not complete in time.'],
      unexpected: ['A message out of place', 'The peer sent a message that does not belong there.']
    }
  },
  de: {
    intro:
      'Worum dieser Knoten gebeten wurde und was er nicht gewährte: wo deine Grenzen erreicht sind und wo andere scheitern.',
    ranges: { hour: 'Letzte Stunde', day: 'Letzter Tag', start: 'Seit dem Start' },
    range: 'Zeitraum',
    none: {
      hour: 'In der letzten Stunde wurde nichts abgelehnt. Niemand, der fragte, wurde abgewiesen.',
      day: 'Am letzten Tag wurde nichts abgelehnt. Niemand, der fragte, wurde abgewiesen.',
      start: 'Seit dem Start wurde nichts abgelehnt. Niemand, der fragte, wurde abgewiesen.'
    },
    total: (count, text) => `${text} ${plural(count, 'Anfrage', 'Anfragen')} abgelehnt`,
    problem: why => `Sie konnten nicht gelesen werden: ${why}`,
    reading: 'Der Knoten wird gefragt …',
    off: 'Das Relay ist aus; niemand kann es um etwas bitten.',
    request: { reserve: 'Reservierung', connect: 'Circuit' },
    times: (_, text) => `${text}-mal`,
    setting: 'Was es ändert:',
    noSetting: 'Keine Einstellung ändert das.',
    reasons: {
      'full/reserve': [
        'Alle Reservierungen vergeben',
        'So viele Peers, wie du erlaubst, hatten eine Reservierung.'
      ],
      'full/connect': ['Alle Circuits vergeben', 'So viele Circuits, wie du erlaubst, liefen schon.'],
      'per-ip-full': [
        'Zu viele Reservierungen von einer Adresse',
        'Eine Adresse (bei IPv6 ein /56) hatte so viele, wie du ihr erlaubst. Hinter einer können viele Menschen sein.'
      ],
      'per-peer-full': [
        'Zu viele Circuits eines Peers',
        'Der Dialer oder der Listener war in so vielen Circuits, wie du einem Peer erlaubst.'
      ],
      'peer-rate': [
        'Ein Peer fragte zu oft',
        'Ein Peer machte mehr Versuche pro Minute, als du ihm erlaubst.'
      ],
      'ip-rate': [
        'Eine Adresse fragte zu oft',
        'Von einer Adresse (bei IPv6 einem /56) kamen mehr Versuche pro Minute, als du ihr erlaubst.'
      ],
      'fair-share': [
        'Ein Peer hatte seinen Anteil',
        'Die Datenmenge war fast verbraucht, und dieser Peer hatte mehr als seinen Anteil am Rest.'
      ],
      overloaded: [
        'Der Knoten hatte zu viel zu tun',
        'Er kam zu spät zu seiner Arbeit oder brauchte mehr von diesem Rechner, als du erlaubst; Neues nimmt er an, sobald das vorbei ist.'
      ],
      quota: [
        'Die Datenmenge war verbraucht',
        'Bis Monat oder Tag neu beginnen, nimmt der Knoten nichts Neues an.'
      ],
      schedule: [
        'Außerhalb seiner Stunden',
        'Außerhalb der Stunden, die du ihm gibst, nimmt der Knoten nichts Neues an.'
      ],
      power: [
        'Akku, getaktete Verbindung oder Vollbild',
        'Nach deinen Regeln nimmt der Knoten dann nichts Neues an.'
      ],
      draining: [
        'Der Knoten hielt gerade an',
        'Vorher lässt er Circuits zu Ende gehen und nimmt keine neuen an.'
      ],
      paused: [
        'Der Knoten war pausiert',
        'Laufendes ging weiter; Neues wurde bis zum Fortsetzen nicht angenommen.'
      ],
      'not-allowed': [
        'Nicht auf deiner Liste',
        'Du lässt nur bestimmte Peers und Adressen zu; das war ein anderer.'
      ],
      denied: ['Von dir gesperrt', 'Der Peer oder seine Adresse steht auf deiner Liste der Gesperrten.'],
      'over-relay': [
        'Kam über ein anderes Relay',
        'Dieses Relay dient denen, die es direkt erreichen, damit Relays keine Ketten bilden.'
      ],
      'target-gone': [
        'Der Listener war gegangen',
        'Er hatte eine Reservierung, aber seine Verbindung war gerade weg.'
      ],
      'target-silent': [
        'Der Listener antwortete nicht',
        'Er wurde gefragt, ob er den Circuit annimmt, und schwieg zu lange.'
      ],
      'target-refused': [
        'Der Listener lehnte ab',
        'Er wurde gefragt, ob er den Circuit annimmt, und sagte nein.'
      ],
      'no-reservation': [
        'Der Listener hat hier keine Reservierung',
        'Ein Dialer fragte nach einem Peer, der dieses Relay nicht oder nicht mehr nutzt. Alte Adressen leben eine Weile fort; einige davon sind normal.'
      ],
      malformed: [
        'Unlesbare Anfrage',
        'Was gesendet wurde, ist keine Nachricht des Relay-Protokolls oder zu lang.'
      ],
      'too-slow': [
        'Die Anfrage kam zu langsam',
        'Ihre eine kurze Nachricht war nicht rechtzeitig vollständig.'
      ],
      unexpected: [
        'Eine Nachricht am falschen Platz',
        'Der Peer sendete eine Nachricht, die dort nicht hingehört.'
      ]
    }
  }
})

/** The title of a refusal, and what it means. A word that is not known stands for itself. */
export function reasonText({
  request,
  reason
}: {
  request: string
  reason: string
}): readonly [string, string] {
  const known: Record<string, readonly [string, string]> = refusals.reasons
  return known[`${reason}/${request}`] ?? known[reason] ?? [reason, '']
}

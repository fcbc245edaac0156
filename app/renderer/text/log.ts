import type { ApiEvent } from '../../shared/api.ts'
import { certificateCause } from './causes.ts'
import { bytes, duration, list, moment, shortPeerId, transport } from './format.ts'
import { plural, texts } from './language.ts'
import { network } from './network.ts'
import { settingLabel } from './setting-labels.ts'

export const log = texts({
  en: {
    lead: 'What the node does, and what it keeps.',
    views: { lines: 'Log', events: 'Events', storage: 'What is stored' },
    view: 'What to see',
    level: 'Least level',
    levels: {
      trace: 'Everything',
      debug: 'Debug',
      info: 'Info',
      warn: 'Warnings',
      error: 'Errors',
      fatal: 'Fatal'
    },
    kind: 'Kind of event',
    allKinds: 'All events',
    kinds: {
      reservations: 'Reservations',
      circuits: 'Circuits',
      refusals: 'Refusals',
      peers: 'Peers',
      addresses: 'Addresses',
      node: 'Node'
    },
    gapTag: 'Gap',
    gap: 'Some events are missing here: this page was hidden, or not connected.',
    search: 'Filter',
    searchHint: 'Text, peer id, reason …',
    follow: 'Follow',
    toEnd: (count: number) =>
      count === 0 ? 'To the end' : `${count} ${plural(count, 'new line', 'new lines')}`,
    copy: 'Copy what is shown',
    copied: (count: number) => `${count} ${plural(count, 'line', 'lines')} copied.`,
    shown: (shown: string, all: string) => `${shown} of ${all} lines`,
    noLines: 'The log is empty.',
    noEvents: 'No events yet. They are shown from the moment you first open this page.',
    noMatch: 'No line passes the filter.',
    logged: (level: string) => `The node logs at the level “${level}”.`,
    change: 'Change',
    privacy: {
      lines: 'Lines name no pair of peers and no IP address unless the settings allow it.',
      events: 'Events name peers. They are in this window only, and are stored nowhere.'
    },
    storage: {
      lead: 'All that this app keeps on the disk. Of what it relays it keeps sums only, and nothing about who talked to whom.',
      folder: 'Show the folder',
      export: 'Export …',
      exportHint: 'The export has the figures and settings as JSON, and neither keys nor secrets.',
      total: 'All together',
      nothing: 'Nothing but the file itself',
      unknown: 'Not made by Waystation.',
      deleteTitle: 'Delete history',
      delete: 'Delete history …',
      deleteText:
        'This removes all figures of the past: what was relayed, refused and used, by minute, hour, day and in all. It cannot be undone.',
      deleteKeeps: 'Settings and key stay, and what this month’s data has used still counts.',
      deleteDo: 'Delete',
      deleted: 'The history was deleted. Counting begins anew.'
    },
    event: {
      reservationAccepted: (peer: string, time: string) => `${peer} reserved for ${time}`,
      reservationRenewed: (peer: string, time: string) => `${peer} renewed its reservation for ${time}`,
      reservationExpired: (peer: string) => `The reservation of ${peer} expired`,
      reservationEnded: (peer: string, reason: string) => `The reservation of ${peer} ended: ${reason}`,
      circuitAccepted: (id: number, from: string, to: string) => `Circuit ${id} from ${from} to ${to} began`,
      circuitClosed: (id: number, reason: string, out: string, back: string, time: string) =>
        `Circuit ${id} ended after ${time}: ${reason}; ${out} there, ${back} back`,
      denied: { reserve: 'A reservation', connect: 'A circuit' },
      requestDenied: (what: string, peer: string, reason: string) =>
        `${what} was refused to ${peer}: ${reason}`,
      peerConnected: (peer: string) => `${peer} connected`,
      peerDisconnected: (peer: string) => `${peer} disconnected`,
      address: (address: string, by: string, state: string) => `${address} (${by}): ${state}`,
      mapping: (state: string) => `Port mapping: ${state}`,
      certificate: (state: string) => `Certificate for browsers: ${state}`,
      mode: (mode: string) => `The node is ${mode}`,
      modeUntil: (mode: string, until: string) => `The node is ${mode} until ${until}`,
      fault: (message: string) => `The node cannot run: ${message}`,
      settings: (keys: string) => `Settings changed: ${keys}`,
      settingsWait: (keys: string) => `Settings changed, waiting for a restart: ${keys}`,
      settingsSame: 'Settings were read anew; nothing changed'
    },
    addressStates: {
      listening: 'listening',
      mapped: 'mapped on the router, not yet confirmed',
      verified: 'reachable from outside',
      unreachable: 'not reachable from outside',
      given: 'announced as the settings say'
    },
    mappingStates: { off: 'off', searching: 'looking for the router', mapped: 'done', failed: 'failed' },
    modes: {
      off: 'off',
      open: 'running',
      paused: 'paused',
      draining: 'about to stop',
      held: 'asleep, because a rule of the budget holds it'
    },
    reasons: {
      closed: 'both sides closed it',
      reset: 'one side broke it off',
      'reader-behind': 'its reader was too far behind a sender that WebRTC cannot slow down',
      bytes: 'it carried as much as it may',
      duration: 'it lasted as long as it may',
      drained: 'the node drained',
      quota: 'the data of the quota is used up',
      schedule: 'the hours in which the node works were over',
      power: 'battery, metered connection or full screen',
      'peer-gone': 'the peer’s connection was lost',
      denied: 'the peer is no longer allowed',
      operator: 'closed by hand',
      stopped: 'the node stopped'
    }
  },
  de: {
    lead: 'Was der Knoten tut, und was er aufhebt.',
    views: { lines: 'Protokoll', events: 'Ereignisse', storage: 'Was gespeichert ist' },
    view: 'Was du sehen willst',
    level: 'Mindestens',
    levels: {
      trace: 'Alles',
      debug: 'Ausführlich',
      info: 'Info',
      warn: 'Warnungen',
      error: 'Fehler',
      fatal: 'Abbrüche'
    },
    kind: 'Art des Ereignisses',
    allKinds: 'Alle Ereignisse',
    kinds: {
      reservations: 'Reservierungen',
      circuits: 'Circuits',
      refusals: 'Ablehnungen',
      peers: 'Peers',
      addresses: 'Adressen',
      node: 'Knoten'
    },
    gapTag: 'Lücke',
    gap: 'Hier fehlen Ereignisse: Diese Seite war verborgen oder nicht verbunden.',
    search: 'Filtern',
    searchHint: 'Text, Peer-ID, Grund …',
    follow: 'Mitlaufen',
    toEnd: count => (count === 0 ? 'Zum Ende' : `${count} ${plural(count, 'neue Zeile', 'neue Zeilen')}`),
    copy: 'Gezeigtes kopieren',
    copied: count => `${count} ${plural(count, 'Zeile', 'Zeilen')} kopiert.`,
    shown: (shown, all) => `${shown} von ${all} Zeilen`,
    noLines: 'Das Protokoll ist leer.',
    noEvents:
      'Noch keine Ereignisse. Gezeigt werden sie ab dem Moment, in dem du diese Seite zum ersten Mal öffnest.',
    noMatch: 'Keine Zeile passt zum Filter.',
    logged: level => `Der Knoten protokolliert auf der Stufe „${level}“.`,
    change: 'Ändern',
    privacy: {
      lines:
        'Die Zeilen nennen kein Paar von Peers und keine IP-Adresse, solange die Einstellungen es nicht erlauben.',
      events: 'Ereignisse nennen Peers. Es gibt sie nur in diesem Fenster; gespeichert werden sie nirgends.'
    },
    storage: {
      lead: 'Alles, was diese App auf der Platte aufhebt. Von dem, was sie weiterleitet, sind es nur Summen und nichts darüber, wer mit wem gesprochen hat.',
      folder: 'Ordner zeigen',
      export: 'Exportieren …',
      exportHint:
        'Der Export enthält die Zahlen und Einstellungen als JSON und weder Schlüssel noch Geheimnisse.',
      total: 'Alles zusammen',
      nothing: 'Nichts außer der Datei selbst',
      unknown: 'Nicht von Waystation angelegt.',
      deleteTitle: 'Verlauf löschen',
      delete: 'Verlauf löschen …',
      deleteText:
        'Das entfernt alle Zahlen der Vergangenheit: was weitergeleitet, abgelehnt und verbraucht wurde, nach Minute, Stunde, Tag und insgesamt. Es lässt sich nicht zurücknehmen.',
      deleteKeeps:
        'Einstellungen und Schlüssel bleiben, und was von den Daten dieses Monats verbraucht ist, zählt weiter.',
      deleteDo: 'Löschen',
      deleted: 'Der Verlauf wurde gelöscht. Die Zählung beginnt von vorn.'
    },
    event: {
      reservationAccepted: (peer, time) => `${peer} hat für ${time} reserviert`,
      reservationRenewed: (peer, time) => `${peer} hat seine Reservierung um ${time} erneuert`,
      reservationExpired: peer => `Die Reservierung von ${peer} ist abgelaufen`,
      reservationEnded: (peer, reason) => `Die Reservierung von ${peer} ist zu Ende: ${reason}`,
      circuitAccepted: (id, from, to) => `Circuit ${id} von ${from} zu ${to} hat begonnen`,
      circuitClosed: (id, reason, out, back, time) =>
        `Circuit ${id} ist nach ${time} zu Ende: ${reason}; ${out} hin, ${back} zurück`,
      denied: { reserve: 'Eine Reservierung', connect: 'Ein Circuit' },
      requestDenied: (what, peer, reason) => `${what} wurde ${peer} abgelehnt: ${reason}`,
      peerConnected: peer => `${peer} hat sich verbunden`,
      peerDisconnected: peer => `${peer} ist nicht mehr verbunden`,
      address: (address, by, state) => `${address} (${by}): ${state}`,
      mapping: state => `Portfreigabe: ${state}`,
      certificate: state => `Zertifikat für Browser: ${state}`,
      mode: mode => `Der Knoten ${mode}`,
      modeUntil: (mode, until) => `Der Knoten ${mode} bis ${until}`,
      fault: message => `Der Knoten kann nicht laufen: ${message}`,
      settings: keys => `Einstellungen geändert: ${keys}`,
      settingsWait: keys => `Einstellungen geändert, sie warten auf einen Neustart: ${keys}`,
      settingsSame: 'Einstellungen neu gelesen; nichts hat sich geändert'
    },
    addressStates: {
      listening: 'hört zu',
      mapped: 'am Router freigegeben, noch nicht bestätigt',
      verified: 'von außen erreichbar',
      unreachable: 'von außen nicht erreichbar',
      given: 'bekanntgegeben, wie die Einstellungen es sagen'
    },
    mappingStates: { off: 'aus', searching: 'sucht den Router', mapped: 'fertig', failed: 'gescheitert' },
    modes: {
      off: 'ist aus',
      open: 'läuft',
      paused: 'pausiert',
      draining: 'hält bald an',
      held: 'schläft, weil eine Regel des Budgets ihn hält,'
    },
    reasons: {
      closed: 'beide Seiten haben ihn geschlossen',
      reset: 'eine Seite hat abgebrochen',
      'reader-behind': 'der Empfänger kam dem Sender nicht nach, den WebRTC nicht bremsen kann',
      bytes: 'er hat übertragen, was er darf',
      duration: 'er hat so lange gedauert, wie er darf',
      drained: 'der Knoten hat angehalten',
      quota: 'die Daten des Kontingents sind verbraucht',
      schedule: 'die Stunden, in denen der Knoten arbeitet, waren vorbei',
      power: 'Akku, getaktete Verbindung oder Vollbild',
      'peer-gone': 'die Verbindung des Peers ging verloren',
      denied: 'der Peer ist nicht mehr zugelassen',
      operator: 'von Hand geschlossen',
      stopped: 'der Knoten wurde beendet'
    }
  }
})

/** A reason in words; one that this page does not know stays the word that it is. */
function reasonText(reason: string): string {
  return (log.reasons as Record<string, string>)[reason] ?? reason
}

/** What happened, in a sentence. */
export function eventText(event: ApiEvent): string {
  const { event: say } = log
  switch (event.name) {
    case 'reservation-accepted':
      return say.reservationAccepted(shortPeerId(event.value.peer), duration(event.value.seconds))
    case 'reservation-renewed':
      return say.reservationRenewed(shortPeerId(event.value.peer), duration(event.value.seconds))
    case 'reservation-expired':
      return say.reservationExpired(shortPeerId(event.value.peer))
    case 'reservation-ended':
      return say.reservationEnded(shortPeerId(event.value.peer), reasonText(event.value.reason))
    case 'circuit-accepted':
      return say.circuitAccepted(
        event.value.id,
        shortPeerId(event.value.source),
        shortPeerId(event.value.target)
      )
    case 'circuit-closed': {
      const { id, reason, bytes: both, seconds } = event.value
      return say.circuitClosed(
        id,
        reasonText(reason),
        bytes(both.toTarget),
        bytes(both.toSource),
        duration(seconds)
      )
    }
    case 'request-denied': {
      const { request, peer, reason } = event.value
      return say.requestDenied(say.denied[request], shortPeerId(peer), reason)
    }
    case 'peer-connected':
      return say.peerConnected(shortPeerId(event.value.peer))
    case 'peer-disconnected':
      return say.peerDisconnected(shortPeerId(event.value.peer))
    case 'address-changed': {
      const { address, transport: by, state, cause } = event.value
      return withCause(say.address(address, transport(by), log.addressStates[state]), cause)
    }
    case 'mapping-changed':
      return withCause(say.mapping(log.mappingStates[event.value.state]), event.value.cause)
    case 'auto-tls-changed': {
      const [word] = network.certificateState[event.value.state]
      return withCause(say.certificate(word), certificateCause(event.value))
    }
    case 'mode-changed': {
      const { mode, until, fault } = event.value
      if (fault !== undefined) return say.fault(fault.message)
      return until === undefined ? say.mode(log.modes[mode]) : say.modeUntil(log.modes[mode], moment(until))
    }
    case 'settings-changed':
      return settingsText(event.value)
    default:
      return event.name
  }
}

const withCause = (sentence: string, cause: string | undefined): string =>
  cause === undefined ? sentence : `${sentence} (${cause})`

function settingsText({ applied, needsRestart }: { applied: string[]; needsRestart: string[] }): string {
  const parts = [
    ...(applied.length > 0 ? [log.event.settings(list(applied.map(settingLabel)))] : []),
    ...(needsRestart.length > 0 ? [log.event.settingsWait(list(needsRestart.map(settingLabel)))] : [])
  ]
  return parts.length === 0 ? log.event.settingsSame : parts.join('. ')
}

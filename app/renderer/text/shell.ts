import { PAGE_NAMES } from '../../shared/pages.ts'
import { texts } from './language.ts'

/** The frame around the pages. */
export const shell = texts({
  en: {
    pages: { ...PAGE_NAMES.en, welcome: 'Welcome' },
    navigation: 'Pages',
    skip: 'Skip to the page',
    starting: 'Waystation is starting …',
    connecting: 'Asking the node …',
    noAnswer: 'The node does not answer yet. This page tries again by itself.',
    lost: 'The node no longer answers. This page shows what was known last, and connects again by itself.',
    fault: 'The node cannot run.',
    faultRetry: 'It is tried again every 30 seconds.',
    startingNode: 'The node is starting …',
    restartTitle: 'Settings wait for a restart of the node',
    restartNode: 'Restart the node now',
    restartNodeNote: (keys: string) =>
      `Changed, but not in force yet: ${keys}. A restart ends the circuits that run; peers reserve again by themselves.`,
    restartProgram: (keys: string) =>
      `Changed, but in force only after Waystation is started again: ${keys}.`,
    restarted: 'The node was restarted.',
    pageFailed: (why: string) => `This page cannot be shown (${why}). The node goes on.`,
    sessionTitle: 'This browser',
    session:
      'It is signed in to this node for 30 days. On a computer that others use too, sign out when you are done.',
    signOut: 'Sign out',
    signedOutTitle: 'Signed out',
    signedOut:
      'This page needs a session. On the machine of the node, run this command, and open the link that it prints:',
    troubleTitle: 'Waystation cannot start',
    troubleSafe: 'Nothing is relayed meanwhile. Your settings and your key are untouched.',
    showFolder: 'Show the data folder',
    quit: 'Quit',
    version: (version: string) => `Version ${version}`
  },
  de: {
    pages: { ...PAGE_NAMES.de, welcome: 'Willkommen' },
    navigation: 'Seiten',
    skip: 'Zur Seite springen',
    starting: 'Waystation startet …',
    connecting: 'Der Knoten wird gefragt …',
    noAnswer: 'Der Knoten antwortet noch nicht. Diese Seite versucht es von selbst weiter.',
    lost: 'Der Knoten antwortet nicht mehr. Diese Seite zeigt den letzten Stand und verbindet sich von selbst wieder.',
    fault: 'Der Knoten kann nicht laufen.',
    faultRetry: 'Alle 30 Sekunden wird es erneut versucht.',
    startingNode: 'Der Knoten startet …',
    restartTitle: 'Einstellungen warten auf einen Neustart des Knotens',
    restartNode: 'Knoten jetzt neu starten',
    restartNodeNote: keys =>
      `Geändert, aber noch nicht in Kraft: ${keys}. Ein Neustart beendet laufende Circuits; Peers reservieren von selbst neu.`,
    restartProgram: keys => `Geändert, aber erst nach einem Neustart von Waystation in Kraft: ${keys}.`,
    restarted: 'Der Knoten wurde neu gestartet.',
    pageFailed: why => `Diese Seite lässt sich nicht zeigen (${why}). Der Knoten läuft weiter.`,
    sessionTitle: 'Dieser Browser',
    session:
      'Er ist für 30 Tage bei diesem Knoten angemeldet. An einem Rechner, den auch andere nutzen, melde dich ab, wenn du fertig bist.',
    signOut: 'Abmelden',
    signedOutTitle: 'Abgemeldet',
    signedOut:
      'Diese Seite braucht eine Sitzung. Führe auf dem Rechner des Knotens diesen Befehl aus und öffne den Link, den er ausgibt:',
    troubleTitle: 'Waystation kann nicht starten',
    troubleSafe: 'Solange wird nichts weitergeleitet. Deine Einstellungen und dein Schlüssel sind unberührt.',
    showFolder: 'Datenordner zeigen',
    quit: 'Beenden',
    version: version => `Version ${version}`
  }
})

import { texts } from './language.ts'

/** The key and its backup, updates, and the start at login. */
export const identity = texts({
  en: {
    title: 'Identity key',
    about:
      'Others know this node by its peer id, which belongs to its key. With a backup the node keeps its name on another machine.',
    peerId: 'Peer id',
    backup: 'Make a backup …',
    backupTitle: 'Backup of the key',
    backupText:
      'The backup is encrypted with a passphrase. Four or five random words make a good one. Without it the backup is of no use.',
    passphrase: 'Passphrase',
    again: 'Passphrase again',
    differ: 'The two passphrases differ.',
    backupDo: 'Save the backup',
    backupDone: 'The backup was saved.',
    restore: 'Restore from a backup …',
    restoreTitle: 'Restore the key',
    restoreText:
      'The key of the backup replaces the present one, which is kept beside it. It is used from the next start of Waystation on.',
    file: 'Backup file (.age)',
    chooseFile: 'Choose a file …',
    noFile: 'No file chosen',
    restoreDo: 'Restore',
    restored: (peerId: string) => `From the next start on this node is ${peerId}.`,
    app: 'This app',
    startAtLogin: 'Start when I log in, without a window',
    noStartAtLogin: 'This system offers no start at login to this app.',
    update: {
      title: 'Updates',
      off: 'It looks for no updates by itself: “Look for updates” is off.',
      unsupported: 'This way of installing has no updates.',
      idle: 'This is the newest version, as far as is known.',
      checking: 'Looking for a new version …',
      available: (version: string) => `Version ${version} is available.`,
      downloading: (version: string, percent: string) =>
        `Version ${version} is being downloaded: ${percent}.`,
      ready: (version: string) =>
        `Version ${version} is ready. To install it, the node lets circuits finish and starts again.`,
      failed: 'Looking for updates failed.',
      version: (version: string) => `This is version ${version}.`,
      check: 'Look now',
      install: 'Install and start again',
      page: (url: string) => `To get it by hand: ${url}`,
      previous: (version: string) =>
        `This version failed to start twice. Version ${version} is still available; your settings and key work with it.`,
      getPrevious: (version: string) => `Get version ${version}`
    }
  },
  de: {
    title: 'Schlüssel',
    about:
      'Andere kennen diesen Knoten an seiner Peer-ID, die zu seinem Schlüssel gehört. Mit einem Backup behält der Knoten seinen Namen auch auf einem anderen Rechner.',
    peerId: 'Peer-ID',
    backup: 'Backup erstellen …',
    backupTitle: 'Backup des Schlüssels',
    backupText:
      'Das Backup wird mit einer Passphrase verschlüsselt. Vier oder fünf zufällige Wörter sind eine gute. Ohne sie nützt das Backup nichts.',
    passphrase: 'Passphrase',
    again: 'Passphrase noch einmal',
    differ: 'Die beiden Passphrasen sind verschieden.',
    backupDo: 'Backup speichern',
    backupDone: 'Das Backup wurde gespeichert.',
    restore: 'Aus einem Backup wiederherstellen …',
    restoreTitle: 'Schlüssel wiederherstellen',
    restoreText:
      'Der Schlüssel aus dem Backup ersetzt den jetzigen, der daneben aufgehoben wird. Benutzt wird er ab dem nächsten Start von Waystation.',
    file: 'Backup-Datei (.age)',
    chooseFile: 'Datei wählen …',
    noFile: 'Keine Datei gewählt',
    restoreDo: 'Wiederherstellen',
    restored: peerId => `Ab dem nächsten Start ist dieser Knoten ${peerId}.`,
    app: 'Diese App',
    startAtLogin: 'Beim Anmelden starten, ohne Fenster',
    noStartAtLogin: 'Dieses System bietet der App keinen Start beim Anmelden.',
    update: {
      title: 'Updates',
      off: 'Von selbst wird nicht nach Updates gesucht: „Nach Updates suchen“ ist aus.',
      unsupported: 'Für diese Art der Installation gibt es keine Updates.',
      idle: 'Das ist die neueste Version, soweit bekannt.',
      checking: 'Sucht nach einer neuen Version …',
      available: version => `Version ${version} ist verfügbar.`,
      downloading: (version, percent) => `Version ${version} wird geladen: ${percent}.`,
      ready: version =>
        `Version ${version} liegt bereit. Zum Installieren lässt der Knoten Circuits zu Ende gehen und startet neu.`,
      failed: 'Die Suche nach Updates ist gescheitert.',
      version: version => `Das ist Version ${version}.`,
      check: 'Jetzt suchen',
      install: 'Installieren und neu starten',
      page: url => `Von Hand zu holen: ${url}`,
      previous: version =>
        `Diese Version ist zweimal nicht gestartet. Version ${version} gibt es noch; deine Einstellungen und dein Schlüssel funktionieren mit ihr.`,
      getPrevious: version => `Version ${version} holen`
    }
  }
})

import { language, plural, texts } from './language.ts'

export const settings = texts({
  en: {
    lead: 'What this node may cost, whom it helps and how it is reached. Every change is checked by the node as you type.',
    search: 'Search the settings',
    found: (count: number) => `${count} ${plural(count, 'setting', 'settings')}`,
    nothingFound: (search: string) => `No setting has “${search}” in its name or its description.`,
    groups: {
      Node: 'Node',
      Listening: 'How it is reached',
      Reservations: 'Reservations',
      Circuits: 'Circuits',
      Rates: 'Rates',
      Quota: 'Data a month and a day',
      'Schedule and power': 'When it works',
      Admission: 'Who may use it',
      'DHT and peers': 'DHT and network',
      Networks: 'Networks',
      Identity: 'What it calls itself',
      Stopping: 'Stopping',
      'Desktop app': 'Desktop app',
      Log: 'Log'
    },
    jump: 'Groups of settings',
    unlimited: 'No limit',
    unit: (label: string) => `Unit: ${label}`,
    units: { s: 'seconds', min: 'minutes', h: 'hours', d: 'days' },
    changeNetworks: 'Add or remove networks',
    onePerLine: 'One per line',
    noneSet: 'none',
    on: 'on',
    off: 'off',
    amount: 'Type a number, such as 10 or 2.5.',
    whole: 'Type a whole number, such as 64.',
    from: {
      flag: (name: string) => `Set by the flag ${name}, which this page cannot change`,
      environment: (name: string) => `Set by the variable ${name}, which this page cannot change`,
      file: 'Set here',
      default: 'Default'
    },
    isDefault: (value: string) => `Default: ${value}`,
    reset: 'Use the default',
    resetLabel: (label: string) => `Use the default of ${label}`,
    willReset: (value: string) => `Goes back to the default: ${value}`,
    undo: 'Undo',
    undoLabel: (label: string) => `Undo the change of ${label}`,
    changed: 'Not saved yet',
    overtaken: (value: string) => `Meanwhile it was changed elsewhere: ${value}. Saving replaces that.`,
    pendingNode: 'Waits for a restart of the node',
    pendingProgram: 'Waits for the next start of Waystation',
    restart: { node: 'Needs a restart of the node', program: 'Needs a restart of Waystation' },
    unsaved: (count: number) => `${count} ${plural(count, 'change is', 'changes are')} not saved.`,
    unsavedRestart: (labels: string) => `Until a restart this does not apply: ${labels}.`,
    unreadable: (labels: string) => `Not a value yet: ${labels}.`,
    save: 'Save changes',
    discard: 'Take back all',
    saved: 'Saved.',
    notSaved: 'In force, but the settings file could not be written.',
    profiles: {
      home: 'Home: a computer of yours. Small limits, 100 GB a month, and the router is asked to forward the ports.',
      server: 'Server: a machine with a good connection. Large limits, no monthly one.',
      introducer:
        'Introducer: helps browsers to find each other, then lets go. Short circuits of at most 1 MiB.'
    },
    profileChanges: 'What this would change. Settings of your own stay.',
    profileNoChange: 'Nothing would change: you have set all of it yourself.',
    fromTo: (from: string, to: string) => `${from} → ${to}`,
    file: (path: string) => `Kept in ${path}`
  },
  de: {
    lead: 'Was dieser Knoten kosten darf, wem er hilft und wie er erreichbar ist. Jede Änderung prüft der Knoten, während du tippst.',
    search: 'Einstellungen durchsuchen',
    found: count => `${count} ${plural(count, 'Einstellung', 'Einstellungen')}`,
    nothingFound: search => `Keine Einstellung hat „${search}“ im Namen oder in der Beschreibung.`,
    groups: {
      Node: 'Knoten',
      Listening: 'Wie er erreichbar ist',
      Reservations: 'Reservierungen',
      Circuits: 'Circuits',
      Rates: 'Raten',
      Quota: 'Daten in Monat und Tag',
      'Schedule and power': 'Wann er arbeitet',
      Admission: 'Wer ihn nutzen darf',
      'DHT and peers': 'DHT und Netz',
      Networks: 'Netze',
      Identity: 'Wie er sich nennt',
      Stopping: 'Beenden',
      'Desktop app': 'Desktop-App',
      Log: 'Protokoll'
    },
    jump: 'Gruppen von Einstellungen',
    unlimited: 'Unbegrenzt',
    unit: label => `Einheit: ${label}`,
    units: { s: 'Sekunden', min: 'Minuten', h: 'Stunden', d: 'Tage' },
    changeNetworks: 'Netze hinzufügen oder entfernen',
    onePerLine: 'Je Zeile eine Angabe',
    noneSet: 'nichts',
    on: 'an',
    off: 'aus',
    amount: 'Gib eine Zahl ein, etwa 10 oder 2,5.',
    whole: 'Gib eine ganze Zahl ein, etwa 64.',
    from: {
      flag: name => `Vom Schalter ${name} gesetzt, den diese Seite nicht ändern kann`,
      environment: name => `Von der Variablen ${name} gesetzt, die diese Seite nicht ändern kann`,
      file: 'Hier gesetzt',
      default: 'Voreinstellung'
    },
    isDefault: value => `Voreinstellung: ${value}`,
    reset: 'Voreinstellung nehmen',
    resetLabel: label => `Voreinstellung nehmen für ${label}`,
    willReset: value => `Geht zur Voreinstellung zurück: ${value}`,
    undo: 'Rückgängig',
    undoLabel: label => `Änderung zurücknehmen: ${label}`,
    changed: 'Noch nicht gespeichert',
    overtaken: value => `Inzwischen wurde es anderswo geändert: ${value}. Speichern ersetzt das.`,
    pendingNode: 'Wartet auf einen Neustart des Knotens',
    pendingProgram: 'Wartet auf den nächsten Start von Waystation',
    restart: { node: 'Braucht einen Neustart des Knotens', program: 'Braucht einen Neustart von Waystation' },
    unsaved: count => `${count} ${plural(count, 'Änderung ist', 'Änderungen sind')} nicht gespeichert.`,
    unsavedRestart: labels => `Erst nach einem Neustart gilt: ${labels}.`,
    unreadable: labels => `Noch kein Wert: ${labels}.`,
    save: 'Änderungen speichern',
    discard: 'Alle zurücknehmen',
    saved: 'Gespeichert.',
    notSaved: 'In Kraft, aber die Einstellungsdatei konnte nicht geschrieben werden.',
    profiles: {
      home: 'Home: dein Rechner zu Hause. Kleine Grenzen, 100 GB im Monat, und der Router wird gebeten, die Ports weiterzuleiten.',
      server: 'Server: eine Maschine mit guter Anbindung. Große Grenzen, keine monatliche.',
      introducer:
        'Introducer: macht Browser miteinander bekannt und zieht sich dann zurück. Kurze Circuits von höchstens 1 MiB.'
    },
    profileChanges: 'Was sich dadurch ändern würde. Was du selbst gesetzt hast, bleibt.',
    profileNoChange: 'Nichts würde sich ändern: Du hast alles selbst gesetzt.',
    fromTo: (from, to) => `${from} → ${to}`,
    file: path => `Gespeichert in ${path}`
  }
})

/** The name of a group; one that this page does not know yet stays as it is. */
export function groupName(group: string): string {
  return (settings.groups as Record<string, string>)[group] ?? group
}

/** What the node calls a unit of time, in words; the others are the same in every language. */
export function unitName(unit: string): string {
  return (settings.units as Record<string, string>)[unit] ?? unit
}

const CHOICES: Record<string, Record<string, string>> = language === 'de'
  ? {
      'quota.counts': {
        both: 'beide Richtungen zusammen (both)',
        sent: 'gesendete (sent)',
        received: 'empfangene (received)',
        larger: 'die größere Richtung (larger)'
      },
      'dht.clientAddresses': {
        all: 'alle (all)',
        announced: 'bekanntgegebene (announced)',
        'relayed-only': 'nur über Relays (relayed-only)',
        none: 'keine (none)'
      },
      'log.level': {
        silent: 'nichts (silent)',
        error: 'Fehler (error)',
        warn: 'Warnungen (warn)',
        info: 'Ereignisse (info)',
        debug: 'ausführlich (debug)',
        trace: 'alles (trace)'
      },
      'log.format': { auto: 'automatisch (auto)', pretty: 'lesbar (pretty)', json: 'JSON (json)' }
    }
  : {}

export function choiceName(key: string, choice: string): string {
  return CHOICES[key]?.[choice] ?? choice
}

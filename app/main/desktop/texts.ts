import { formatDecimalBytes } from '../../shared/format.ts'

/**
 * What the desktop says outside its window: tray, notifications, dialogs. The window has its own texts
 * (app/renderer/text), in the same words.
 */
const en = {
  app: 'Waystation',
  open: 'Open Waystation',
  quit: 'Quit Waystation',
  startAtLogin: 'Start at login',
  pause: 'Pause',
  pauseHour: 'For an hour',
  pauseTomorrow: 'Until tomorrow',
  pauseUntilResumed: 'Until resumed',
  resume: 'Resume',
  installUpdate: (version: string) => `Install version ${version}…`,
  getUpdate: (version: string) => `Get version ${version}…`,

  state: {
    failed: 'Could not start: open Waystation to see why',
    starting: 'Starting…',
    stopping: 'Stopping…',
    off: 'Off: relays for nobody',
    fault: 'In trouble: open Waystation to see why',
    unreachable: 'Not reachable from outside',
    paused: 'Paused until resumed',
    pausedUntil: (when: string) => `Paused until ${when}`,
    sleeps: (why: string, until: string | undefined) =>
      until === undefined ? `Sleeps: ${why}` : `Sleeps until ${until}: ${why}`,
    held: {
      'quota-month': 'the quota of this month is used up',
      'quota-day': 'the quota of today is used up',
      schedule: 'outside its hours',
      battery: 'this computer runs on its battery',
      'battery-level': 'the battery is low',
      metered: 'the connection is metered',
      'full-screen': 'a program fills the screen'
    },
    draining: (circuits: number) => `Finishing ${amount(circuits, 'circuit', 'circuits')}…`,
    handingOver: (clients: number) => `Sending ${amount(clients, 'client', 'clients')} on…`,
    idle: 'Ready; nobody needs it right now',
    relaying: (circuits: number, reservations: number) =>
      `Relaying: ${amount(circuits, 'circuit', 'circuits')}, ${amount(reservations, 'reservation', 'reservations')}`
  },
  today: (bytes: number, circuits: number) =>
    `Today: ${formatDecimalBytes(bytes)}, ${amount(circuits, 'circuit', 'circuits')}`,
  nothingToday: 'Nothing relayed today',

  notifications: {
    firstCircuit: {
      title: 'Your first circuit',
      body: 'Two peers that could not reach each other just connected through this computer.'
    },
    mapping: {
      title: 'The router does not forward the ports',
      body: 'Few peers can reach Waystation so. Open it to see what can be done.'
    },
    quota: {
      title: 'The quota of this month is used up',
      body: 'Waystation sleeps until next month, or until you raise the quota.'
    },
    update: (version: string) => ({
      title: `Version ${version} is available`,
      body: 'Open Waystation to install it. Nothing is downloaded before.'
    }),
    stillRunning: {
      title: 'Waystation goes on',
      body: 'It keeps relaying in the background. Its icon in the tray brings this window back, and quits it.'
    }
  },

  previous: {
    message: (version: string) => `Waystation ${version} did not start well twice.`,
    detail: (previous: string) =>
      `You can go back to version ${previous}. Your settings and your key still load there.`,
    get: (previous: string) => `Get version ${previous}`,
    goOn: 'Go on'
  }
}

/** In every language the same texts: the compiler finds what one lacks. */
export type DesktopTexts = typeof en

const de: DesktopTexts = {
  app: 'Waystation',
  open: 'Waystation öffnen',
  quit: 'Waystation beenden',
  startAtLogin: 'Beim Anmelden starten',
  pause: 'Pause',
  pauseHour: 'Für eine Stunde',
  pauseTomorrow: 'Bis morgen',
  pauseUntilResumed: 'Bis ich fortsetze',
  resume: 'Fortsetzen',
  installUpdate: version => `Version ${version} installieren…`,
  getUpdate: version => `Version ${version} holen…`,

  state: {
    failed: 'Start gescheitert: warum, steht im Fenster',
    starting: 'Startet…',
    stopping: 'Wird beendet…',
    off: 'Aus: leitet nichts weiter',
    fault: 'Gestört: warum, steht im Fenster',
    unreachable: 'Von außen nicht erreichbar',
    paused: 'Pausiert, bis du fortsetzt',
    pausedUntil: when => `Pause bis ${when}`,
    sleeps: (why, until) => (until === undefined ? `Schläft: ${why}` : `Schläft bis ${until}: ${why}`),
    held: {
      'quota-month': 'das Kontingent dieses Monats ist verbraucht',
      'quota-day': 'das Kontingent von heute ist verbraucht',
      schedule: 'außerhalb seiner Stunden',
      battery: 'der Computer läuft auf Akku',
      'battery-level': 'der Akku ist fast leer',
      metered: 'die Verbindung ist getaktet',
      'full-screen': 'ein Programm füllt den Bildschirm'
    },
    draining: circuits => `Beendet noch ${amount(circuits, 'Circuit', 'Circuits')}…`,
    handingOver: clients => `Schickt ${amount(clients, 'Client', 'Clients')} weiter…`,
    idle: 'Bereit; gerade braucht es niemand',
    relaying: (circuits, reservations) =>
      `Leitet weiter: ${amount(circuits, 'Circuit', 'Circuits')}, ${amount(reservations, 'Reservierung', 'Reservierungen')}`
  },
  today: (bytes, circuits) =>
    `Heute: ${formatDecimalBytes(bytes).replace('.', ',')}, ${amount(circuits, 'Circuit', 'Circuits')}`,
  nothingToday: 'Heute noch nichts weitergeleitet',

  notifications: {
    firstCircuit: {
      title: 'Dein erster Circuit',
      body: 'Zwei Peers, die einander nicht erreichen konnten, sind gerade über diesen Computer verbunden.'
    },
    mapping: {
      title: 'Der Router leitet die Ports nicht weiter',
      body: 'So erreichen nur wenige Peers Waystation. Im Fenster steht, was sich tun lässt.'
    },
    quota: {
      title: 'Das Kontingent dieses Monats ist verbraucht',
      body: 'Waystation schläft bis zum nächsten Monat, oder bis du das Kontingent erhöhst.'
    },
    update: version => ({
      title: `Version ${version} ist erschienen`,
      body: 'Im Fenster lässt sie sich installieren. Vorher wird nichts heruntergeladen.'
    }),
    stillRunning: {
      title: 'Waystation läuft weiter',
      body: 'Es leitet im Hintergrund weiter. Sein Symbol in der Leiste holt dieses Fenster zurück und beendet es.'
    }
  },

  previous: {
    message: version => `Waystation ${version} ist zweimal nicht richtig gestartet.`,
    detail: previous =>
      `Du kannst zu Version ${previous} zurück. Deine Einstellungen und dein Schlüssel gelten dort weiter.`,
    get: previous => `Version ${previous} holen`,
    goOn: 'Weiter'
  }
}

function amount(count: number, one: string, several: string): string {
  return `${count} ${count === 1 ? one : several}`
}

/** By a locale such as `de-AT` (Electron's app.getLocale()); English for all that there is no language for. */
export function textsFor(locale: string): DesktopTexts {
  return /^de\b/i.test(locale) ? de : en
}

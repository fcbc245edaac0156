import { plural, texts } from './language.ts'

export const overview = texts({
  en: {
    state: {
      off: 'Off. Nothing is relayed, and no port is open.',
      starting: 'Starting …',
      fault: 'Not running: something is in the way.',
      draining: (left: number, clients: number) =>
        `Stopping: ${left} ${plural(left, 'circuit', 'circuits')} may finish, ${clients === 0 ? '' : `${clients} ${plural(clients, 'client is', 'clients are')} sent on one by one, `}nothing new is taken.`,
      paused: 'Paused until you resume. What runs goes on; nothing new is taken.',
      pausedUntil: (until: string) => `Paused until ${until}. What runs goes on; nothing new is taken.`,
      relaying: (peers: number, count: string) => `Relaying for ${count} ${plural(peers, 'peer', 'peers')}`,
      reserved: (peers: number, count: string) =>
        `Ready for ${count} ${plural(peers, 'peer', 'peers')}, none of them in a circuit now`,
      unreachable: 'Running, but nobody outside can reach it.',
      'unknown-to-all': 'Running, but nobody knows of it: it joins no network.',
      'no-demand': 'Running well; nobody needs it at the moment'
    },
    reach: {
      outside: (transports: string) => `reachable from outside by ${transports}.`,
      unconfirmed: 'not yet confirmed from outside.',
      unreachable: 'not reachable from outside.',
      local: 'reachable in this network only.'
    },
    mend: { unreachable: 'See why', 'unknown-to-all': 'Choose whom to help', fault: 'See why' },
    switchOn: 'Relay for others',
    pause: 'Pause',
    pauseHour: 'For an hour',
    pauseTomorrow: 'Until tomorrow',
    pauseOpen: 'Until I resume',
    resume: 'Resume',
    turnOn: 'Turn on',
    rate: 'Relayed data',
    now: 'now',
    range: { live: '5 minutes', day: '24 hours', month: '30 days' },
    chart: (range: string) => `Rate of relayed data over ${range}, in each direction`,
    toTarget: 'to listeners',
    toSource: 'to dialers',
    relayed: 'Relayed',
    totals: { today: 'Today', month: 'This month', ever: 'Ever' },
    circuitsInAll: (count: number, text: string) => `${text} ${plural(count, 'circuit', 'circuits')}`,
    since: (date: string) => `since ${date}`,
    limits: 'Share of your limits in use',
    limit: {
      circuits: 'Circuits',
      reservations: 'Reservations',
      rate: 'Rate, busier direction',
      quota: 'Data this month, all traffic',
      'quota-day': 'Data today, all traffic'
    },
    noLimit: (used: string) => `${used}, no limit`,
    change: 'Change limits',
    peers: 'Connected peers',
    dht: 'Peers in the DHT',
    uptime: 'Up for',
    noTray: 'This desktop shows no tray icon, so closing the window minimises it. Ctrl+Q quits.',
    emptyTitle: 'Nothing relayed yet',
    empty: 'That is normal at first. Peers find a relay by themselves, often only after some hours.'
  },
  de: {
    state: {
      off: 'Aus. Nichts wird weitergeleitet, kein Port ist offen.',
      starting: 'Startet …',
      fault: 'Läuft nicht: etwas steht im Weg.',
      draining: (left, clients) =>
        `Hält an: ${left} ${plural(left, 'Circuit darf', 'Circuits dürfen')} zu Ende gehen, ${clients === 0 ? '' : `${clients} ${plural(clients, 'Client wird', 'Clients werden')} nach und nach weitergeschickt, `}Neues wird nicht angenommen.`,
      paused: 'Pausiert, bis du fortsetzt. Laufendes geht weiter; Neues wird nicht angenommen.',
      pausedUntil: until => `Pausiert bis ${until}. Laufendes geht weiter; Neues wird nicht angenommen.`,
      relaying: (peers, count) => `Leitet für ${count} ${plural(peers, 'Peer', 'Peers')} weiter`,
      reserved: (peers, count) =>
        `Bereit für ${count} ${plural(peers, 'Peer', 'Peers')}, zurzeit ohne Circuit`,
      unreachable: 'Läuft, aber von außen erreicht ihn niemand.',
      'unknown-to-all': 'Läuft, aber niemand weiß davon: Er ist in keinem Netz.',
      'no-demand': 'Läuft gut; im Moment braucht ihn niemand'
    },
    reach: {
      outside: transports => `von außen erreichbar über ${transports}.`,
      unconfirmed: 'von außen noch nicht bestätigt.',
      unreachable: 'von außen nicht erreichbar.',
      local: 'nur in diesem Netz erreichbar.'
    },
    mend: { unreachable: 'Warum?', 'unknown-to-all': 'Wem helfen?', fault: 'Warum?' },
    switchOn: 'Für andere weiterleiten',
    pause: 'Pause',
    pauseHour: 'Für eine Stunde',
    pauseTomorrow: 'Bis morgen',
    pauseOpen: 'Bis ich fortsetze',
    resume: 'Fortsetzen',
    turnOn: 'Einschalten',
    rate: 'Weitergeleitete Daten',
    now: 'jetzt',
    range: { live: '5 Minuten', day: '24 Stunden', month: '30 Tage' },
    chart: range => `Rate der weitergeleiteten Daten über ${range}, in beide Richtungen`,
    toTarget: 'zu Listenern',
    toSource: 'zu Dialern',
    relayed: 'Weitergeleitet',
    totals: { today: 'Heute', month: 'Diesen Monat', ever: 'Insgesamt' },
    circuitsInAll: (count, text) => `${text} ${plural(count, 'Circuit', 'Circuits')}`,
    since: date => `seit ${date}`,
    limits: 'Genutzter Anteil deiner Grenzen',
    limit: {
      circuits: 'Circuits',
      reservations: 'Reservierungen',
      rate: 'Rate, stärkere Richtung',
      quota: 'Daten in diesem Monat, aller Verkehr',
      'quota-day': 'Daten heute, aller Verkehr'
    },
    noLimit: used => `${used}, unbegrenzt`,
    change: 'Grenzen ändern',
    peers: 'Verbundene Peers',
    dht: 'Peers in der DHT',
    uptime: 'Laufzeit',
    noTray:
      'Dieser Desktop zeigt kein Symbol in der Leiste. Schließen minimiert deshalb das Fenster; Strg+Q beendet.',
    emptyTitle: 'Noch nichts weitergeleitet',
    empty: 'Das ist am Anfang normal. Peers finden ein Relay von selbst, oft erst nach Stunden.'
  }
})

import { texts } from './language.ts'

/** The rules of the budget, and the hours of its schedule. */
export const budget = texts({
  en: {
    why: {
      'quota-month': 'this month’s data is used up',
      'quota-day': 'today’s data is used up',
      schedule: 'it is outside its hours',
      battery: 'this computer runs on its battery',
      'battery-level': 'the battery is low',
      metered: 'the connection is metered',
      'full-screen': 'a program fills the screen'
    },
    asleep: (why: string, until: string | undefined) =>
      until === undefined ? `Asleep: ${why}.` : `Asleep: ${why}. It goes on from ${until}.`,
    change: 'Change this rule',
    soft: 'Peers that had more than their fair share of the rest get no new circuits.',
    hours: {
      free: (until: string) => `By its schedule it works until ${until}.`,
      holding: (until: string) => `By its schedule it sleeps until ${until}.`
    },
    cpu: (used: string, limit: string) => `Processor: ${used} of at most ${limit} of one core.`,
    narrowed: (rate: string) => `The rate is narrowed to ${rate} for that.`,
    overloaded: 'New work is refused until it uses less.',
    worst: {
      none: 'Worst case: no bound. Neither a quota nor a rate limits what is used in a month.',
      bytes: (amount: string, counts: string, what: string) =>
        `Worst case: ${amount} a month, ${counts} (${what}).`,
      all: 'all traffic of the node',
      relayed: 'relayed traffic; the DHT comes on top',
      counts: {
        both: 'sent and received together',
        sent: 'sent',
        received: 'received',
        larger: 'sent or received, whichever is more'
      }
    },
    grid: {
      label: 'Hours of the week',
      days: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'],
      cell: (day: string, from: string, to: string, on: boolean) =>
        `${day}, ${from} to ${to}: ${on ? 'works' : 'sleeps'}`,
      hint: 'Coloured hours are those in which it works. Drag over hours or days to change them; with the keyboard, arrows move and the space bar changes.',
      always: 'All hours: always.',
      hours: (count: number) => `${count} of 168 hours a week.`,
      all: 'All hours',
      nights: 'Nights (22 to 7)',
      weekend: 'Nights and weekends'
    }
  },
  de: {
    why: {
      'quota-month': 'Die Datenmenge dieses Monats ist verbraucht',
      'quota-day': 'Die Datenmenge von heute ist verbraucht',
      schedule: 'Es ist außerhalb seiner Stunden',
      battery: 'Der Computer läuft auf Akku',
      'battery-level': 'Der Akku ist fast leer',
      metered: 'Die Verbindung ist getaktet',
      'full-screen': 'Ein Programm füllt den Bildschirm'
    },
    asleep: (why, until) =>
      until === undefined ? `Schläft: ${why}.` : `Schläft: ${why}. Weiter geht es ab ${until}.`,
    change: 'Diese Regel ändern',
    soft: 'Peers, die mehr als ihren Anteil am Rest hatten, bekommen keine neuen Circuits.',
    hours: {
      free: until => `Nach seinen Stunden arbeitet er bis ${until}.`,
      holding: until => `Nach seinen Stunden schläft er bis ${until}.`
    },
    cpu: (used, limit) => `Prozessor: ${used} von höchstens ${limit} eines Kerns.`,
    narrowed: rate => `Die Rate ist dafür auf ${rate} verengt.`,
    overloaded: 'Neues wird abgewiesen, bis er weniger braucht.',
    worst: {
      none: 'Schlimmstenfalls: unbegrenzt. Weder ein Kontingent noch eine Rate begrenzt, was im Monat verbraucht wird.',
      bytes: (amount, counts, what) => `Schlimmstenfalls: ${amount} im Monat, ${counts} (${what}).`,
      all: 'aller Verkehr des Knotens',
      relayed: 'weitergeleiteter Verkehr; die DHT kommt dazu',
      counts: {
        both: 'gesendet und empfangen zusammen',
        sent: 'gesendet',
        received: 'empfangen',
        larger: 'gesendet oder empfangen, was mehr ist'
      }
    },
    grid: {
      label: 'Stunden der Woche',
      days: ['Mo', 'Di', 'Mi', 'Do', 'Fr', 'Sa', 'So'],
      cell: (day, from, to, on) => `${day}, ${from} bis ${to}: ${on ? 'arbeitet' : 'schläft'}`,
      hint: 'In farbigen Stunden arbeitet er. Ziehe über Stunden oder Tage, um sie zu ändern; mit der Tastatur bewegen Pfeile, die Leertaste ändert.',
      always: 'Alle Stunden: immer.',
      hours: count => `${count} von 168 Stunden der Woche.`,
      all: 'Alle Stunden',
      nights: 'Nachts (22 bis 7)',
      weekend: 'Nachts und am Wochenende'
    }
  }
})

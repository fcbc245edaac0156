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
    held: (rules: string) => `Asleep in that time: ${rules}.`,
    rule: {
      'quota-month': 'data of the month used up',
      'quota-day': 'data of the day used up',
      schedule: 'outside its hours',
      battery: 'on battery',
      'battery-level': 'battery low',
      metered: 'metered connection',
      'full-screen': 'full screen'
    },
    change: 'Change this rule',
    untold: {
      battery: 'This system does not say whether it runs on a battery, so this rule never holds.',
      'battery-level': 'This system tells of no battery, so this rule never holds.',
      metered: 'This system does not say whether the connection is metered, so this rule never holds.',
      'full-screen': 'This system does not say which program fills the screen, so this rule never holds.'
    },
    soft: 'Peers that had more than their fair share of the rest get no new circuits.',
    hours: {
      free: (until: string) => `By its schedule it works until ${until}.`,
      holding: (until: string) => `By its schedule it sleeps until ${until}.`
    },
    cpu: (used: string, limit: string) => `Processor: ${used} of at most ${limit} of one core.`,
    narrowed: (rate: string) => `The rate is narrowed to ${rate} for that.`,
    overloaded: 'New work is refused until it uses less.',
    late: 'Too much to do: new work is refused until the node catches up.',
    memory: 'Too much memory in use: new work is refused until it is less.',
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
    held: rules => `In dieser Zeit geschlafen: ${rules}.`,
    rule: {
      'quota-month': 'Datenmenge des Monats verbraucht',
      'quota-day': 'Datenmenge des Tages verbraucht',
      schedule: 'außerhalb seiner Stunden',
      battery: 'auf Akku',
      'battery-level': 'Akku fast leer',
      metered: 'getaktete Verbindung',
      'full-screen': 'Vollbild'
    },
    change: 'Diese Regel ändern',
    untold: {
      battery: 'Dieses System sagt nicht, ob es auf Akku läuft; die Regel greift deshalb nie.',
      'battery-level': 'Dieses System weiß von keinem Akku; die Regel greift deshalb nie.',
      metered: 'Dieses System sagt nicht, ob die Verbindung getaktet ist; die Regel greift deshalb nie.',
      'full-screen':
        'Dieses System sagt nicht, welches Programm den Bildschirm füllt; die Regel greift deshalb nie.'
    },
    soft: 'Peers, die mehr als ihren Anteil am Rest hatten, bekommen keine neuen Circuits.',
    hours: {
      free: until => `Nach seinen Stunden arbeitet er bis ${until}.`,
      holding: until => `Nach seinen Stunden schläft er bis ${until}.`
    },
    cpu: (used, limit) => `Prozessor: ${used} von höchstens ${limit} eines Kerns.`,
    narrowed: rate => `Die Rate ist dafür auf ${rate} verengt.`,
    overloaded: 'Neues wird abgewiesen, bis er weniger braucht.',
    late: 'Zu viel zu tun: Neues wird abgewiesen, bis der Knoten nachgekommen ist.',
    memory: 'Zu viel Speicher belegt: Neues wird abgewiesen, bis es weniger ist.',
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

import { plural, texts } from './language.ts'

export const reservations = texts({
  en: {
    intro:
      'A reservation keeps a place for a listener: dialers reach it through this relay for as long as it is held.',
    held: (count: number, text: string) => `${text} ${plural(count, 'reservation', 'reservations')}`,
    table: 'Reservations held now',
    empty: 'Nobody holds a reservation at the moment.',
    emptyOpen:
      'Nobody holds a reservation at the moment. Peers find a relay by themselves, often only after some hours.',
    emptyPaused: 'Nobody holds a reservation, and while paused none is given.'
  },
  de: {
    intro:
      'Eine Reservierung hält einem Listener einen Platz frei: Solange er sie hat, erreichen ihn Dialer über dieses Relay.',
    held: (count, text) => `${text} ${plural(count, 'Reservierung', 'Reservierungen')}`,
    table: 'Reservierungen, die jetzt bestehen',
    empty: 'Im Moment hat niemand eine Reservierung.',
    emptyOpen:
      'Im Moment hat niemand eine Reservierung. Peers finden ein Relay von selbst, oft erst nach Stunden.',
    emptyPaused: 'Niemand hat eine Reservierung, und solange pausiert ist, wird keine vergeben.'
  }
})

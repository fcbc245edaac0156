import { plural, texts } from './language.ts'

export const circuits = texts({
  en: {
    intro:
      'A circuit joins a dialer and a listener that cannot reach each other directly. Its data passes here encrypted; nobody here can read it.',
    running: (count: number, text: string) => `${text} ${plural(count, 'circuit', 'circuits')}`,
    table: 'Circuits that run now',
    empty: 'No circuit runs at the moment.',
    emptyOpen:
      'No circuit runs at the moment. One begins when a dialer asks for a listener that holds a reservation here.',
    emptyPaused: 'No circuit runs, and while paused none begins.'
  },
  de: {
    intro:
      'Ein Circuit verbindet einen Dialer und einen Listener, die einander nicht direkt erreichen. Seine Daten laufen verschlüsselt hindurch; hier kann sie niemand lesen.',
    running: (count, text) => `${text} ${plural(count, 'Circuit', 'Circuits')}`,
    table: 'Circuits, die jetzt laufen',
    empty: 'Im Moment läuft kein Circuit.',
    emptyOpen:
      'Im Moment läuft kein Circuit. Einer beginnt, wenn ein Dialer nach einem Listener fragt, der hier eine Reservierung hat.',
    emptyPaused: 'Es läuft kein Circuit, und solange pausiert ist, beginnt keiner.'
  }
})

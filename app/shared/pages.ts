/** The pages, in the order of the navigation. The window's addresses and the app's menu name them so. */
export const PAGES = [
  'overview',
  'circuits',
  'reservations',
  'refusals',
  'network',
  'settings',
  'log'
] as const
export type Page = (typeof PAGES)[number]

/** What they are called, in the window and in the menu alike. */
export const PAGE_NAMES = {
  en: {
    overview: 'Overview',
    circuits: 'Circuits',
    reservations: 'Reservations',
    refusals: 'Refusals',
    network: 'Network',
    settings: 'Settings',
    log: 'Log'
  },
  de: {
    overview: 'Überblick',
    circuits: 'Circuits',
    reservations: 'Reservierungen',
    refusals: 'Ablehnungen',
    network: 'Netzwerk',
    settings: 'Einstellungen',
    log: 'Protokoll'
  }
} satisfies Record<string, Record<Page, string>>

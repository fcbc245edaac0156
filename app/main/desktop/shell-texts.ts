import { PAGE_NAMES } from '../../shared/pages.ts'

/** What the menus and the dialogs of the desktop say. The tray and the notifications have texts.ts. */
const en = {
  crashed: {
    message: 'The window of Waystation keeps crashing.',
    detail: 'The node goes on. You can load the window again, or quit.',
    reload: 'Load it again',
    quit: 'Quit Waystation'
  },
  unresponsive: {
    message: 'The window of Waystation does not respond.',
    detail: 'The node goes on. You can wait, or load the window again.',
    wait: 'Wait',
    reload: 'Load it again'
  },
  cannotStart: 'Waystation cannot start',
  menu: {
    about: 'About Waystation',
    hide: 'Hide Waystation',
    hideOthers: 'Hide others',
    showAll: 'Show all',
    services: 'Services',
    quit: 'Quit Waystation',
    file: 'File',
    close: 'Close window',
    edit: 'Edit',
    undo: 'Undo',
    redo: 'Redo',
    cut: 'Cut',
    copy: 'Copy',
    paste: 'Paste',
    selectAll: 'Select all',
    view: 'View',
    zoomIn: 'Larger',
    zoomOut: 'Smaller',
    zoomReset: 'Actual size',
    fullScreen: 'Full screen',
    reload: 'Reload',
    devTools: 'Developer tools',
    window: 'Window',
    minimise: 'Minimise',
    front: 'Bring all to front',
    help: 'Help',
    dataFolder: 'Show the data folder',
    pages: PAGE_NAMES.en
  }
}

/** In every language the same texts: the compiler finds what one lacks. */
export type ShellTexts = typeof en

const de: ShellTexts = {
  crashed: {
    message: 'Das Fenster von Waystation stürzt immer wieder ab.',
    detail: 'Der Knoten läuft weiter. Du kannst das Fenster neu laden oder Waystation beenden.',
    reload: 'Neu laden',
    quit: 'Waystation beenden'
  },
  unresponsive: {
    message: 'Das Fenster von Waystation antwortet nicht.',
    detail: 'Der Knoten läuft weiter. Du kannst warten oder das Fenster neu laden.',
    wait: 'Warten',
    reload: 'Neu laden'
  },
  cannotStart: 'Waystation kann nicht starten',
  menu: {
    about: 'Über Waystation',
    hide: 'Waystation ausblenden',
    hideOthers: 'Andere ausblenden',
    showAll: 'Alle einblenden',
    services: 'Dienste',
    quit: 'Waystation beenden',
    file: 'Datei',
    close: 'Fenster schließen',
    edit: 'Bearbeiten',
    undo: 'Rückgängig',
    redo: 'Wiederholen',
    cut: 'Ausschneiden',
    copy: 'Kopieren',
    paste: 'Einfügen',
    selectAll: 'Alles auswählen',
    view: 'Ansicht',
    zoomIn: 'Größer',
    zoomOut: 'Kleiner',
    zoomReset: 'Originalgröße',
    fullScreen: 'Vollbild',
    reload: 'Neu laden',
    devTools: 'Entwicklerwerkzeuge',
    window: 'Fenster',
    minimise: 'Minimieren',
    front: 'Alle nach vorne bringen',
    help: 'Hilfe',
    dataFolder: 'Datenordner zeigen',
    pages: PAGE_NAMES.de
  }
}

/** By a locale such as `de-AT` (Electron's app.getLocale()); English for all that there is no language for. */
export function shellTextsFor(locale: string): ShellTexts {
  return /^de\b/i.test(locale) ? de : en
}

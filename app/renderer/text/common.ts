import { texts } from './language.ts'

export const common = texts({
  en: {
    close: 'Close',
    cancel: 'Cancel',
    save: 'Save',
    copied: 'Copied',
    copyPeerId: (peer: string) => `Copy peer id ${peer}`,
    copy: 'Copy',
    retry: 'Try again',
    more: 'More',
    none: 'none',
    noLimit: 'no limit',
    ofLimit: (used: string, limit: string) => `${used} of ${limit}`,
    today: 'Today',
    thisMonth: 'This month',
    ever: 'Ever',
    perSecond: 'a second',
    toTarget: 'to listeners',
    toSource: 'to dialers'
  },
  de: {
    close: 'Schließen',
    cancel: 'Abbrechen',
    save: 'Speichern',
    copied: 'Kopiert',
    copyPeerId: peer => `Peer-ID ${peer} kopieren`,
    copy: 'Kopieren',
    retry: 'Erneut versuchen',
    more: 'Mehr',
    none: 'keine',
    noLimit: 'unbegrenzt',
    ofLimit: (used, limit) => `${used} von ${limit}`,
    today: 'Heute',
    thisMonth: 'Diesen Monat',
    ever: 'Insgesamt',
    perSecond: 'pro Sekunde',
    toTarget: 'zu Listenern',
    toSource: 'zu Dialern'
  }
})

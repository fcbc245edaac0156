import { plural, texts } from './language.ts'

export const ladder = texts({
  en: {
    title: 'From here to the outside',
    intro: 'Each way in has six steps, of which each needs the ones before it.',
    health: {
      healthy: 'Works',
      'no-demand': 'Works, no demand',
      local: 'This network only',
      waiting: 'Not known yet',
      starting: 'Starting',
      resting: 'Resting',
      off: 'Off',
      broken: 'Not reachable'
    },
    rungs: {
      listening: 'Listening',
      mapped: 'Forwarded',
      verified: 'Verified from outside',
      advertised: 'Announced in the DHT',
      reservation: 'Test reservation',
      circuit: 'Test circuit'
    },
    states: { ok: 'ok', failed: 'failed', waiting: 'waits', off: 'not needed', unknown: 'unknown' },
    families: { ip4: 'IPv4', ip6: 'IPv6' },
    way: (transport: string, family: string) => `${transport} over ${family}`,
    steps: (ok: number, all: number) => `${ok} of ${all} ${plural(all, 'step', 'steps')}`,
    since: (moment: string) => `since ${moment}`,
    lastOk: (moment: string) => `Last right: ${moment}.`,
    test: 'Test it now',
    testing: 'Testing…',
    tested: (moment: string) => `Tested: ${moment}.`,
    testText:
      'Clients on this machine reserve and connect at this node. Nobody outside is contacted, and they count in no figure.',
    addNetwork: 'Choose whom to help',
    firewall: (name: string) => `A firewall of this machine is on: ${name}.`
  },
  de: {
    title: 'Von hier nach draußen',
    intro: 'Jeder Weg herein hat sechs Stufen, und jede braucht die davor.',
    health: {
      healthy: 'Funktioniert',
      'no-demand': 'Funktioniert, kein Bedarf',
      local: 'Nur dieses Netz',
      waiting: 'Noch nicht bekannt',
      starting: 'Startet',
      resting: 'Ruht',
      off: 'Aus',
      broken: 'Nicht erreichbar'
    },
    rungs: {
      listening: 'Offen',
      mapped: 'Weitergeleitet',
      verified: 'Von außen bestätigt',
      advertised: 'In der DHT bekannt',
      reservation: 'Testreservierung',
      circuit: 'Test-Circuit'
    },
    states: {
      ok: 'ok',
      failed: 'fehlgeschlagen',
      waiting: 'wartet',
      off: 'nicht nötig',
      unknown: 'unbekannt'
    },
    families: { ip4: 'IPv4', ip6: 'IPv6' },
    way: (transport, family) => `${transport} über ${family}`,
    steps: (ok, all) => `${ok} von ${all} ${plural(all, 'Stufe', 'Stufen')}`,
    since: moment => `seit ${moment}`,
    lastOk: moment => `Zuletzt in Ordnung: ${moment}.`,
    test: 'Jetzt testen',
    testing: 'Wird getestet …',
    tested: moment => `Getestet: ${moment}.`,
    testText:
      'Clients auf diesem Rechner reservieren und verbinden sich bei diesem Knoten. Niemand außerhalb wird kontaktiert, und sie zählen in keiner Zahl.',
    addNetwork: 'Auswählen, wem du hilfst',
    firewall: name => `Eine Firewall dieses Rechners ist eingeschaltet: ${name}.`
  }
})

import { plural, texts } from './language.ts'

export const networks = texts({
  en: {
    title: 'Networks',
    intro: 'The apps that find this node as a relay, each by its own DHT.',
    states: {
      off: ['Off', 'It is in no network now.'],
      alone: ['Waiting', 'Nobody is known in it yet, and there is no peer to join it through.'],
      joining: ['Joining', 'Its peers are being asked.'],
      joined: ['Joined', 'Its peers know this node.'],
      failed: ['Not reached', 'None of the peers to join it through could be reached; it is tried again.']
    },
    codes: {
      'dht-off': 'The DHT is switched off, so no network is joined.',
      'no-peer-reached': 'None of the peers to join it through could be reached; it is tried again.',
      asleep: 'The node is asleep, and in no network now.'
    },
    dhtSize: 'DHT size',
    records: 'Records provided',
    recordsNote: (when: string) => `last ${when}`,
    peers: 'Peers served',
    bytes: 'Relayed',
    circuits: (count: number, text: string) => `${text} ${plural(count, 'circuit', 'circuits')}`,
    protocol: 'DHT protocol',
    namespaces: 'Told of as',
    allowed: (count: number, text: string) =>
      `Serves only the ${text} ${plural(count, 'entry', 'entries')} of its list`,
    share: (percent: string) => `At most ${percent} of the total rate`,
    own: 'Network of the settings',
    other: 'In none of them',
    otherText: 'Peers that are not known to be in one of these networks.',
    since: 'Figures since the node started.',
    leave: 'Leave',
    leaveTitle: (name: string) => `Leave ${name}?`,
    leaveText: 'Its apps find this node no more. Reservations and circuits that are there go on.',
    left: (name: string) => `${name} was left.`,
    copyLink: 'Copy link',
    add: 'Add a network',
    addDo: 'Join',
    added: (name: string) => `Joining ${name}.`,
    ipfs: 'Join the public network of IPFS',
    locked: (name: string) => `Set by ${name}; this page cannot change it.`,
    dhtOn: 'Switch it on'
  },
  de: {
    title: 'Netze',
    intro: 'Die Apps, die diesen Knoten als Relay finden, jede über ihre eigene DHT.',
    states: {
      off: ['Aus', 'Gerade ist er in keinem Netz.'],
      alone: ['Wartet', 'Noch ist niemand darin bekannt, und es gibt keinen Peer, um beizutreten.'],
      joining: ['Tritt bei', 'Die Peers des Netzes werden gefragt.'],
      joined: ['Beigetreten', 'Die Peers des Netzes kennen diesen Knoten.'],
      failed: ['Nicht erreicht', 'Keiner der Einstiegs-Peers war zu erreichen; es wird wieder versucht.']
    },
    codes: {
      'dht-off': 'Die DHT ist ausgeschaltet; darum ist er in keinem Netz.',
      'no-peer-reached': 'Keiner der Einstiegs-Peers war zu erreichen; es wird wieder versucht.',
      asleep: 'Der Knoten schläft und ist gerade in keinem Netz.'
    },
    dhtSize: 'Größe der DHT',
    records: 'Bekanntgaben',
    recordsNote: when => `zuletzt ${when}`,
    peers: 'Bediente Peers',
    bytes: 'Weitergeleitet',
    circuits: (count, text) => `${text} ${plural(count, 'Circuit', 'Circuits')}`,
    protocol: 'DHT-Protokoll',
    namespaces: 'Bekannt gegeben unter',
    allowed: (count, text) => `Bedient nur ${text} ${plural(count, 'Eintrag', 'Einträge')} seiner Liste`,
    share: percent => `Höchstens ${percent} der gesamten Rate`,
    own: 'Netz der Einstellungen',
    other: 'In keinem davon',
    otherText: 'Peers, von denen nicht bekannt ist, dass sie in einem dieser Netze sind.',
    since: 'Zahlen seit dem Start des Knotens.',
    leave: 'Verlassen',
    leaveTitle: name => `${name} verlassen?`,
    leaveText:
      'Seine Apps finden diesen Knoten nicht mehr. Reservierungen und Circuits, die da sind, gehen weiter.',
    left: name => `${name} wurde verlassen.`,
    copyLink: 'Link kopieren',
    add: 'Netz hinzufügen',
    addDo: 'Beitreten',
    added: name => `Tritt ${name} bei.`,
    ipfs: 'Dem öffentlichen Netz von IPFS beitreten',
    locked: name => `Von ${name} gesetzt; diese Seite kann das nicht ändern.`,
    dhtOn: 'Einschalten'
  }
})

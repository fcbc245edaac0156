import { plural, texts } from './language.ts'

export const network = texts({
  en: {
    intro: 'How others find and reach this node.',
    transports: 'Transports',
    transport: {
      off: ['Switched off', 'By the settings.'],
      closed: ['Not listening', 'Nothing is open for it now.'],
      local: ['This network only', 'No public address is known for it.'],
      unconfirmed: ['Not confirmed', 'It has a public address that nobody outside has tried yet.'],
      mapped: ['Forwarded', 'The router forwards its port; nobody outside has tried it yet.'],
      verified: ['Reachable', 'Peers outside have reached it.'],
      given: ['Given by you', 'Announced as the settings say, and not checked.'],
      unreachable: ['Not reachable', 'Peers outside could not reach it. The addresses below say what to do.']
    },
    ports: (ports: string, count: number) => `${plural(count, 'Port', 'Ports')} ${ports}`,
    identity: 'Peer id',
    identityText:
      'The name of this node in every network. It comes from its key, and stays when addresses change.',
    qr: (peer: string) => `QR code of the peer id ${peer}`,
    addresses: 'Addresses',
    addressesNone: 'This node listens nowhere now.',
    states: {
      listening: 'listening',
      mapped: 'forwarded',
      verified: 'verified',
      unreachable: 'not reachable',
      given: 'given'
    },
    publicAddress: 'public',
    localAddress: 'this network',
    since: (moment: string) => `since ${moment}`,
    meaning: {
      listening: 'Open on this machine.',
      mapped: 'The router forwards it.',
      verified: 'Reached from outside.',
      unreachable: 'Not reached from outside.',
      given: 'Announced as the settings say.'
    },
    local: 'Reached from this network only.',
    announced: 'Announced to others',
    announcedText: 'These are the addresses that other peers learn.',
    announcedNone: 'Nothing is announced: no address is verified or given.',
    copyAll: 'Copy all',
    copyAddress: (address: string) => `Copy ${address}`,
    router: 'Router',
    mapping: {
      off: ['Off', 'Port mapping is switched off. Ports that you forwarded by hand work without it.'],
      searching: ['Asking', 'Looking for a router that forwards ports.'],
      mapped: ['Forwards', 'The router forwards the ports.'],
      failed: ['Failed', 'No port is forwarded.']
    },
    mappingOn: 'Switch it on',
    gateway: 'Router',
    protocol: 'Asked by',
    externalIp: 'Its public address',
    portState: { mapped: 'forwarded', failed: 'failed', pending: 'asked' },
    pinholes: 'IPv6, let in by its firewall',
    pinholeState: { mapped: 'open', failed: 'failed', pending: 'asked' },
    port: (outer: string, protocol: string, inner: string) => `${protocol} ${outer} → ${inner}`,
    secure: 'HTTPS and secure WebSocket',
    secureListener: {
      open: ['Open', 'Browsers on secure pages connect here:'],
      closed: ['Closed', 'There is a certificate, but its port could not be opened.']
    },
    secureFrom: { files: 'from your files', 'auto-tls': 'got by Waystation' },
    until: (moment: string) => `good until ${moment}`,
    certificate: 'Certificate for browsers',
    certificateState: {
      off: [
        'Off',
        'Browsers on secure pages need a certificate. Waystation can get a free one for this node.'
      ],
      waiting: ['Waiting', 'Peers outside must have reached this node before it can ask for one.'],
      registering: ['Registering', 'The name of this node is being registered.'],
      requesting: ['Asking', 'The certificate authority is checking the name.'],
      held: ['Held', 'Browsers can connect securely.'],
      failed: ['Failed', 'No certificate came.']
    },
    certificateName: 'For',
    validTo: 'Good until',
    renewsAt: 'Renewed from',
    retryAt: (moment: string) => `Tried again from ${moment}.`,
    peers: 'Connected peers',
    peersCount: (count: number, text: string) => `${text} ${plural(count, 'peer', 'peers')}`,
    peersEmpty: 'No peer is connected.',
    uses: 'Uses',
    reserved: 'reservation',
    circuits: (count: number, text: string) => `${text} ${plural(count, 'circuit', 'circuits')}`
  },
  de: {
    intro: 'Wie andere diesen Knoten finden und erreichen.',
    transports: 'Transporte',
    transport: {
      off: ['Ausgeschaltet', 'Durch die Einstellungen.'],
      closed: ['Nicht offen', 'Dafür ist gerade nichts offen.'],
      local: ['Nur dieses Netz', 'Dafür ist keine öffentliche Adresse bekannt.'],
      unconfirmed: [
        'Nicht bestätigt',
        'Hat eine öffentliche Adresse, die von außen noch niemand versucht hat.'
      ],
      mapped: [
        'Weitergeleitet',
        'Der Router leitet den Port weiter; von außen hat ihn noch niemand versucht.'
      ],
      verified: ['Erreichbar', 'Peers von außen haben ihn erreicht.'],
      given: ['Vorgegeben', 'Wird gemäß den Einstellungen bekannt gegeben und nicht geprüft.'],
      unreachable: [
        'Nicht erreichbar',
        'Peers von außen konnten ihn nicht erreichen. Die Adressen unten sagen, was zu tun ist.'
      ]
    },
    ports: (ports, count) => `${plural(count, 'Port', 'Ports')} ${ports}`,
    identity: 'Peer-ID',
    identityText:
      'Der Name dieses Knotens in jedem Netz. Er kommt von seinem Schlüssel und bleibt, wenn Adressen sich ändern.',
    qr: peer => `QR-Code der Peer-ID ${peer}`,
    addresses: 'Adressen',
    addressesNone: 'Dieser Knoten nimmt gerade nirgends Verbindungen an.',
    states: {
      listening: 'offen',
      mapped: 'weitergeleitet',
      verified: 'bestätigt',
      unreachable: 'nicht erreichbar',
      given: 'vorgegeben'
    },
    publicAddress: 'öffentlich',
    localAddress: 'dieses Netz',
    since: moment => `seit ${moment}`,
    meaning: {
      listening: 'Auf diesem Rechner offen.',
      mapped: 'Der Router leitet sie weiter.',
      verified: 'Von außen erreicht.',
      unreachable: 'Von außen nicht erreicht.',
      given: 'Wird gemäß den Einstellungen bekannt gegeben.'
    },
    local: 'Nur aus diesem Netz erreichbar.',
    announced: 'Anderen bekannt gegeben',
    announcedText: 'Diese Adressen erfahren andere Peers.',
    announcedNone: 'Nichts wird bekannt gegeben: Keine Adresse ist bestätigt oder vorgegeben.',
    copyAll: 'Alle kopieren',
    copyAddress: address => `${address} kopieren`,
    router: 'Router',
    mapping: {
      off: [
        'Aus',
        'Die Portfreigabe ist ausgeschaltet. Von Hand weitergeleitete Ports funktionieren ohne sie.'
      ],
      searching: ['Fragt', 'Ein Router, der Ports weiterleitet, wird gesucht.'],
      mapped: ['Leitet weiter', 'Der Router leitet die Ports weiter.'],
      failed: ['Fehlgeschlagen', 'Kein Port wird weitergeleitet.']
    },
    mappingOn: 'Einschalten',
    gateway: 'Router',
    protocol: 'Gefragt über',
    externalIp: 'Seine öffentliche Adresse',
    portState: { mapped: 'weitergeleitet', failed: 'fehlgeschlagen', pending: 'gefragt' },
    pinholes: 'IPv6, von seiner Firewall hereingelassen',
    pinholeState: { mapped: 'offen', failed: 'fehlgeschlagen', pending: 'gefragt' },
    port: (outer, protocol, inner) => `${protocol} ${outer} → ${inner}`,
    secure: 'HTTPS und sicheres WebSocket',
    secureListener: {
      open: ['Offen', 'Browser auf sicheren Seiten verbinden sich hierher:'],
      closed: ['Geschlossen', 'Ein Zertifikat ist da, aber der Port ließ sich nicht öffnen.']
    },
    secureFrom: { files: 'aus deinen Dateien', 'auto-tls': 'von Waystation geholt' },
    until: moment => `gilt bis ${moment}`,
    certificate: 'Zertifikat für Browser',
    certificateState: {
      off: [
        'Aus',
        'Browser auf sicheren Seiten brauchen ein Zertifikat. Waystation kann für diesen Knoten ein kostenloses holen.'
      ],
      waiting: ['Wartet', 'Erst müssen Peers von außen diesen Knoten erreicht haben.'],
      registering: ['Meldet an', 'Der Name dieses Knotens wird angemeldet.'],
      requesting: ['Verlangt', 'Die Zertifizierungsstelle prüft den Namen.'],
      held: ['Vorhanden', 'Browser können sich sicher verbinden.'],
      failed: ['Fehlgeschlagen', 'Es kam kein Zertifikat.']
    },
    certificateName: 'Für',
    validTo: 'Gilt bis',
    renewsAt: 'Erneuert ab',
    retryAt: moment => `Neuer Versuch ab ${moment}.`,
    peers: 'Verbundene Peers',
    peersCount: (count, text) => `${text} ${plural(count, 'Peer', 'Peers')}`,
    peersEmpty: 'Kein Peer ist verbunden.',
    uses: 'Nutzt',
    reserved: 'Reservierung',
    circuits: (count, text) => `${text} ${plural(count, 'Circuit', 'Circuits')}`
  }
})

import type { Key } from '../../shared/settings.ts'
import { language, type Language } from './language.ts'

/** What the node says of each setting in English, in the other languages. */
export const HELP: Record<Exclude<Language, 'en'>, Record<Key, string>> = {
  de: {
    'relay.enabled':
      'Für andere weiterleiten; aus: Der Knoten ist nirgends erreichbar und nimmt mit niemandem Kontakt auf. In der Desktop-App aus, bis du zustimmst',
    profile:
      'Welche Voreinstellungen gelten: home für einen Rechner zu Hause, server für einen Server, introducer für ein Relay, das Browser nur miteinander bekannt macht',
    'listen.ip4': 'IPv4-Adressen, an denen der Knoten erreichbar ist',
    'listen.ip6': 'IPv6-Adressen, an denen der Knoten erreichbar ist',
    'tcp.enabled': 'Verbindungen über TCP annehmen',
    'tcp.port': 'TCP-Port (0: irgendein freier)',
    'quic.enabled': 'Verbindungen über QUIC v1 annehmen',
    'quic.port': 'UDP-Port für QUIC v1 (0: irgendein freier)',
    'ws.enabled': 'Verbindungen über WebSocket annehmen',
    'ws.port': 'TCP-Port für WebSocket (0: irgendein freier)',
    'ws.maxMessageBytes': 'Längste WebSocket-Nachricht, die angenommen wird',
    'ws.idleSeconds':
      'Wie lange ein WebSocket schweigen darf, bis er angepingt wird; noch einmal so lange ohne Antwort beendet ihn',
    'ws.autoTls':
      'Ein Zertifikat für sicheres WebSocket unter autoTls.domain holen und erneuern, sobald der Knoten von außen erreichbar ist; nennt autoTls.forge und autoTls.acme seine Peer-ID und seine Adressen',
    'autoTls.domain': 'Domain, unter der ws.autoTls seinen Namen bekommt',
    'autoTls.forge': 'Wo ws.autoTls seinen Namen anmeldet',
    'autoTls.acme': 'Verzeichnis der Zertifizierungsstelle, die ws.autoTls fragt',
    'webrtcDirect.enabled':
      'Verbindungen über WebRTC-direct annehmen, womit Browser sich ohne das Zertifikat einer Stelle verbinden',
    'webrtcDirect.port': 'UDP-Port für WebRTC-direct (0: irgendein freier)',
    'tls.port':
      'TCP-Port für HTTPS und sicheres WebSocket, offen sobald es ein Zertifikat gibt (tls.cert, ws.autoTls) (0: irgendein freier)',
    'tls.cert': 'Datei mit der Zertifikatskette (PEM) für tls.port; wird neu gelesen, wenn sie sich ändert',
    'tls.key': 'Datei mit dem privaten Schlüssel (PEM) zu tls.cert',
    'tls.minVersion': 'Älteste TLS-Version, die an tls.port gesprochen wird',
    'http.enabled': 'Die öffentlichen HTTP-Seiten anbieten (Identität, Zustand)',
    'http.port': 'TCP-Port der öffentlichen HTTP-Seiten (0: irgendein freier)',
    'http.requestsPerIpPerMinute':
      'Wie viele öffentliche HTTP-Abrufe eine IP-Adresse (bei IPv6: ein /56) in der Minute machen darf',
    'control.enabled': 'Das Dashboard und die Steuer-API anbieten, die auch die waystation-Befehle benutzen',
    'control.port': 'TCP-Port des Dashboards und der Steuer-API (0: irgendein freier)',
    'control.host':
      'IP-Adresse des Dashboards und der Steuer-API; eine andere als die dieses Rechners (127.0.0.1, ::1) braucht control.tls',
    'control.tls.certificate': 'Datei mit der Zertifikatskette (PEM) für das Dashboard und die Steuer-API',
    'control.tls.key': 'Datei mit dem privaten Schlüssel (PEM) zu control.tls.certificate',
    'metrics.listen':
      'Adresse, an der Prometheus neben der Steuer-API ohne Token abfragen kann (leer: keine)',
    upnp: 'Den Router bitten, die Ports weiterzuleiten, über UPnP oder NAT-PMP',
    announce:
      'Multiaddrs, die statt der selbst gefundenen bekanntgegeben werden; zu denen von WebRTC-direct ergänzt der Knoten seinen certhash',
    announceIp:
      'Öffentliche IP-Adressen dieses Rechners, für Server hinter Eins-zu-eins-NAT: Sie werden mit jedem offenen Port bekanntgegeben, neben dem, was announce angibt oder selbst gefunden wird',
    announceHost:
      'Domainname dieses Rechners: Er wird mit jedem offenen Port bekanntgegeben, neben dem, was announce angibt oder selbst gefunden wird',
    trustedProxies:
      'Reverse-Proxys vor diesem Knoten: Nur von ihnen wird die Adresse eines Clients übernommen, per X-Forwarded-For oder PROXY-Protokoll',
    'connections.total': 'Höchstzahl gleichzeitiger Verbindungen, was immer die anderen Grenzen bräuchten',
    'relay.reservations.total': 'Reservierungen gleichzeitig',
    'relay.reservations.perIp': 'Reservierungen gleichzeitig von einer IPv4-Adresse oder einem IPv6-/56',
    'relay.reservations.ttlSeconds': 'Wie lange eine Reservierung gilt, wenn sie nicht erneuert wird',
    'relay.circuits.total': 'Circuits gleichzeitig',
    'relay.circuits.perPeer': 'Circuits eines Peers gleichzeitig, als Quelle oder Ziel',
    'relay.circuits.durationSeconds': 'Wie lange ein Circuit bestehen darf',
    'relay.circuits.bytesEachWay': 'Wie viel ein Circuit in jede Richtung übertragen darf',
    'relay.circuits.bufferBytes':
      'Wie viel Arbeitsspeicher ein Circuit in jede Richtung belegen darf, solange sein Leser langsam ist',
    'relay.selfTest':
      'Den Knoten einmal prüfen, nachdem er gestartet ist: Ein Wegwerf-Client reserviert bei ihm, und ein anderer erreicht diesen durch ihn, beide auf diesem Rechner',
    'relay.dataPath':
      'Wie TCP- und WebSocket-Verbindungen verschlüsselt und geteilt werden: durch eigenen Code (fast) oder den von js-libp2p (upstream: langsamer, der Ausweg, falls der andere mit einem Client versagt)',
    'relay.rate.totalBytesPerSecond': 'Rate aller Circuits zusammen, in jede Richtung',
    'relay.rate.perPeerBytesPerSecond': 'Rate aller Circuits eines Peers zusammen, in jede Richtung',
    'relay.rate.perCircuitBytesPerSecond': 'Rate eines Circuits, in jede Richtung',
    'relay.rate.peers': 'Raten einzelner Peers, anstelle von relay.rate.perPeerBytesPerSecond',
    'quota.bytesPerMonth':
      'Aller Verkehr des Knotens in einem Monat, gezählt wie quota.counts sagt; geht er zur Neige, lässt der Knoten Laufendes enden und schläft bis zum nächsten Monat',
    'quota.bytesPerDay':
      'Aller Verkehr des Knotens an einem Tag, gezählt wie quota.counts sagt; geht er zur Neige, lässt der Knoten Laufendes enden und schläft bis zum nächsten Tag',
    'quota.counts':
      'Welche Bytes die Kontingente zählen, so wie dein Anbieter: beide Richtungen zusammen, die gesendeten, die empfangenen oder die größere von beiden',
    'quota.monthStartsOn':
      'Tag, an dem der Monat des Kontingents beginnt; in kürzeren Monaten deren letzter Tag',
    'quota.softPercent':
      'Ab diesem Prozentsatz eines Kontingents bekommt ein Peer, der mehr als seinen Anteil am Rest hatte, keine neuen Circuits (100: nie)',
    'schedule.hours':
      'Stunden der Woche, in denen der Knoten arbeitet, nach der Uhr dieses Rechners; außerhalb enden Circuits und er schläft (leer: immer)',
    'power.holdOnBattery': 'Schlafen, solange dieser Rechner auf Akku läuft',
    'power.batteryBelowPercent':
      'Schlafen, solange der Akku unter diesem Prozentsatz ist und nicht lädt (0: nie)',
    'power.holdOnMetered': 'Schlafen, solange die Verbindung getaktet ist, wo das System es sagt',
    'power.fullScreenPrograms':
      'Schlafen, solange eines dieser Programme den Bildschirm füllt, wo das System es sagt',
    'cpu.sharePercent':
      'Anteil an einem Prozessorkern, den der Knoten nutzen darf, in Prozent: Seine Rate wird so weit verengt, und darüber wird Neues abgewiesen (0: unbegrenzt)',
    'relay.attempts.perPeerPerMinute':
      'Wie viele neue Reservierungen und Circuits ein Peer in der Minute anfragen darf',
    'relay.attempts.perIpPerMinute':
      'Wie viele neue Reservierungen und Circuits eine IPv4-Adresse oder ein IPv6-/56 in der Minute anfragen darf',
    'overload.eventLoopDelayMs':
      'Neues wird abgewiesen, solange der Knoten später als so viele Millisekunden zu seiner Arbeit kommt (0: unbegrenzt)',
    'overload.memoryBytes': 'Neues wird abgewiesen, solange der Prozess mehr Speicher als das belegt',
    'access.allow': 'Wenn nicht leer, dürfen nur diese reservieren und Circuits anfragen',
    'access.deny': 'Diese dürfen weder reservieren noch Circuits anfragen',
    'dht.enabled': 'Den Server der Kademlia-DHT betreiben',
    'dht.protocol': 'Name des DHT-Protokolls',
    'dht.bootstrap':
      'Peers, über die der Knoten in die DHT eintritt; keine: Von sich aus nimmt er mit niemandem Kontakt auf',
    'dht.queryTimeoutSeconds': 'Wie lange eine DHT-Abfrage dauern darf',
    'dht.clientAddresses':
      'Welche Adressen eines verbundenen Clients die DHT-Antworten weitergeben: all (bekanntgegebene und die seiner Verbindung), announced (bekanntgegebene), relayed-only (nur über Relays: keine IP-Adresse eines Clients wird weitergegeben), none (keine)',
    networks:
      'Die Netze von Peers, denen dieser Knoten neben dem von dht.protocol dient: Er tritt der DHT eines jeden bei, wird dort als Relay gefunden und kann jedem einen Teil der Datenrate geben',
    'identity.protocolVersion': 'Protokollversion, die identify und die Identitätsseite nennen',
    'identity.agentVersion':
      'Agent-Version, die identify und die Identitätsseite nennen (leer: waystation/VERSION)',
    'shutdown.timeoutSeconds':
      'Wie lange laufende Circuits noch weitergehen dürfen, nachdem der Knoten beendet wurde',
    'updates.check': 'Einmal am Tag nach einer neuen Version der Desktop-App suchen',
    'notify.firstCircuit': 'Melden, wenn der allererste Circuit weitergeleitet wurde',
    'notify.mapping': 'Melden, wenn der Router die Ports nicht weiterleitet',
    'notify.quota': 'Melden, wenn die Datenmenge des Monats verbraucht ist',
    'notify.update': 'Melden, wenn eine neue Version bereitliegt',
    'log.level': 'Was protokolliert wird',
    'log.format': 'Wie die Zeilen aussehen; auto: lesbar im Terminal, sonst JSON',
    'log.addresses': 'Die Zeilen dürfen IP-Adressen enthalten',
    'log.peers': 'Zeilen über Circuits dürfen die Peers nennen'
  }
}

export function settingHelp({ key, help }: { key: string; help: string }): string {
  return language === 'en' ? help : (HELP[language][key as Key] ?? help)
}

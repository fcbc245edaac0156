import { language, type Language } from './language.ts'

/**
 * The node says causes in English. What is shown in another language is made from their stable words, or from the
 * forms of the sentences; one that is not known stays as it is.
 */

const NUMBER_OF_PEERS = '1 peer|\\d+ peers of different networks'
const peersInGerman = (text: string): string =>
  text === '1 peer' ? 'Ein Peer' : `${parseInt(text, 10)} Peers aus verschiedenen Netzen`
const verb = (text: string, one: string, other: string): string => (text === '1 peer' ? one : other)

const GERMAN_REACH: readonly [RegExp, (...found: string[]) => string][] = [
  [
    new RegExp(`^(${NUMBER_OF_PEERS}) reached it \\((.+)\\)\\.$`),
    (who = '', how = '') => `${peersInGerman(who)} ${verb(who, 'hat', 'haben')} sie erreicht (${how}).`
  ],
  [
    new RegExp(
      `^(${NUMBER_OF_PEERS}) could not reach it \\((.+)\\)\\. Forward ((?:TCP|UDP) port \\d+) to .+$`
    ),
    (who = '', how = '', port = '') =>
      `${peersInGerman(who)} ${verb(who, 'konnte', 'konnten')} sie nicht erreichen (${how}). Leite ${port.replace('port', 'Port')} im Router an diesen Rechner weiter, und lass ihn durch die Firewall.`
  ],
  [
    new RegExp(`^(${NUMBER_OF_PEERS}) could not reach it; (\\d+) must fail to be sure\\.$`),
    (who = '', needed = '') =>
      `${peersInGerman(who)} ${verb(who, 'konnte', 'konnten')} sie nicht erreichen; sicher ist es erst bei ${needed}.`
  ],
  [
    new RegExp(`^(${NUMBER_OF_PEERS}) reached it; more must to be sure\\.$`),
    (who = '') =>
      `${peersInGerman(who)} ${verb(who, 'hat', 'haben')} sie erreicht; sicher ist es erst, wenn es mehr sind.`
  ],
  [/^No peer has tried to reach it yet\.$/, () => 'Noch hat kein Peer versucht, sie zu erreichen.'],
  [
    /^Given by the settings announce, announceIp or announceHost, and not checked\.$/,
    () => 'Durch die Einstellungen announce, announceIp oder announceHost vorgegeben und nicht geprüft.'
  ]
]

/** Why an address is as it is. */
export function reachCause(cause: string, to: Language = language): string {
  if (to === 'en') return cause
  for (const [form, write] of GERMAN_REACH) {
    const found = form.exec(cause)
    if (found !== null) return write(...found.slice(1))
  }
  return cause
}

const BY_HAND = 'oder leite die Ports im Router von Hand weiter und setze announceIp'

interface Port {
  protocol: 'tcp' | 'udp'
  internalPort: number
  externalPort?: number
}

/** What the router itself said, in brackets. */
const detail = (cause: string): string => /\(.*\)/.exec(cause)?.[0] ?? ''

const GERMAN_MAPPING: Record<string, (port: string, cause: string, external?: number) => string> = {
  'no-gateway': () =>
    `Kein Router antwortete über UPnP oder NAT-PMP: Es ist dort ausgeschaltet, oder eine Firewall hier verwirft die Antworten (UDP von Port 1900 und 5351). Schalte UPnP im Router ein, ${BY_HAND}.`,
  'no-answer': () =>
    'Der Router antwortet nicht mehr. Er wird erneut gesucht; schweigt er weiter, sieh nach, ob UPnP noch eingeschaltet ist.',
  'no-external-address': () =>
    'Der Router hat keine öffentliche Adresse, von der er weiterleiten könnte: Er ist nicht verbunden oder steht hinter einem anderen Router. Er wird wieder gefragt; bleibt es so, sieh dir die Adresse auf seiner Statusseite an.',
  'private-gateway': () =>
    'Die Adresse des Routers ist selbst privat: Vor ihm steht ein anderer Router oder das NAT des Anbieters, und von außen kommt niemand durch. Nutze diesen Router als Bridge, schalte UPnP in beiden ein, oder bitte den Anbieter um eine öffentliche Adresse.',
  'nat-pmp-refused': () =>
    `Der Router verweigert NAT-PMP und antwortet nicht über UPnP. Schalte eines davon im Router ein, ${BY_HAND}.`,
  'nothing-to-map': () =>
    'Kein Transport lauscht auf einer privaten IPv4-Adresse; ein Router hat also nichts weiterzuleiten.',
  refused: (port, cause) =>
    `Der Router verweigerte, ${port} weiterzuleiten ${detail(cause)}. Erlaube es in den Einstellungen des Routers, ${BY_HAND}.`.replace(
      ' .',
      '.'
    ),
  conflict: (port, _, external) =>
    external === undefined
      ? `Der Router gibt ${port} und andere, die versucht wurden, an ein anderes Gerät. Setze einen anderen Port, oder entferne dessen Weiterleitung.`
      : `${port} des Routers gehört einem anderen Gerät; stattdessen wird ${external} weitergeleitet.`
}

const GERMAN_CERTIFICATE: Record<string, string> = {
  'forge-refused':
    'Die Registrierung (Einstellung autoTls.forge) hat den Namen abgelehnt. Sie ruft die bekannt gegebenen Adressen zurück: Die müssen aus dem Internet erreichbar sein.',
  'forge-failed':
    'Die Registrierung (Einstellung autoTls.forge) arbeitet gerade nicht. Sie wird wieder gefragt; hier ist nichts zu tun.',
  'forge-unreachable':
    'Die Registrierung (Einstellung autoTls.forge) ist nicht erreichbar. Prüfe Netz, DNS und Uhr dieses Rechners.',
  'acme-failed':
    'Die Zertifizierungsstelle (Einstellung autoTls.acme) hat kein Zertifikat gegeben. Bleibt es dabei, sieh auf ihrer Statusseite nach.',
  'acme-unreachable':
    'Die Zertifizierungsstelle (Einstellung autoTls.acme) ist nicht erreichbar. Prüfe Netz, DNS und Uhr dieses Rechners.',
  'no-answer': 'Die Zertifizierungsstelle (Einstellung autoTls.acme) wurde nicht rechtzeitig fertig.',
  unusable: 'Das Zertifikat, das kam, passt nicht zu seinem Schlüssel oder Namen; ein anderes wird verlangt.',
  clock:
    'Das Zertifikat, das kam, läuft nach der Uhr dieses Rechners bald ab oder ist abgelaufen. Stelle die Uhr; ein anderes wird verlangt.',
  disk: 'Das Zertifikat und seine Schlüssel können nicht im Datenordner aufbewahrt werden. Schaffe Platz, und sieh nach den Rechten von auto-tls darin.'
}

/** Why the certificate of ws.autoTls did not come; with what the other side said, in brackets. */
export function certificateCause(
  { code, cause, detail: said }: { code?: string; cause?: string; detail?: string },
  to: Language = language
): string | undefined {
  const german = to === 'en' || code === undefined ? undefined : GERMAN_CERTIFICATE[code]
  if (german === undefined) return cause
  return said === undefined ? german : `${german} (${said})`
}

/** What is wrong with the router, or with one of the ports. */
export function mappingCause(
  { code, cause }: { code?: string; cause?: string },
  port?: Port,
  to: Language = language
): string | undefined {
  const write = to === 'en' || code === undefined ? undefined : GERMAN_MAPPING[code]
  const name = port === undefined ? '' : `${port.protocol.toUpperCase()}-Port ${port.internalPort}`
  return write?.(name, cause ?? '', port?.externalPort) ?? cause
}

import { messageOf } from '../../shared/errors.ts'
import { language, type Language } from './language.ts'

/**
 * The node, and what is shared with it, say in English what went wrong. What people meet in these pages is said in
 * their own language by its code; the rest stays as it is.
 */

type Details = Readonly<Record<string, unknown>> | undefined

const GERMAN: Record<string, (details: Details) => string> = {
  'control-unreachable': () => 'Der Knoten antwortet nicht.',
  'unknown-circuit': () => 'Diesen Circuit gibt es nicht mehr; er ist wohl schon zu Ende.',
  'passphrase-wrong': () =>
    'Die Passphrase öffnet dieses Backup nicht. Versuch es noch einmal; wiederherstellen lässt sie sich nicht.',
  'passphrase-unusable': () =>
    'Die Passphrase ist zu kurz: Sie braucht mindestens 8 Zeichen. Vier oder fünf zufällige Wörter sind eine gute.',
  'backup-corrupt': () =>
    'Das Backup ist nicht zu lesen: Die Datei ist beschädigt oder gar keines. Nimm eine andere Kopie.',
  'network-neither': () =>
    'Das ist weder ein Link, der mit waystation://join? beginnt, noch der Text einer Netzdatei.',
  'network-scheme': () => 'Der Link eines Netzes beginnt mit waystation://join?',
  'network-json': () => 'Die Netzdatei ist kein gültiges JSON.',
  'network-name': () => 'Das Netz braucht einen Namen von 1 bis 80 Zeichen („name“).',
  'network-dht': () =>
    'Das Netz braucht sein DHT-Protokoll („dht“), das mit / beginnt, etwa /chat/kad/1.0.0.',
  'network-bootstrap': () => 'Das Netz braucht 1 bis 64 Peers, über die man beitritt („bootstrap“).',
  'unknown-network': () => 'Dieses Netz gibt es hier nicht mehr.',
  'network-namespaces': () =>
    'Die Rendezvous-Namensräume („namespaces“) sind bis zu 16 Wörter ohne Leerzeichen, etwa /libp2p/relay.',
  'network-multiaddr': details =>
    `Das ist keine Multiaddr eines Peers: ${String(details?.['wrong'])}. Sie sollte aussehen wie /dns4/example.org/tcp/4001/p2p/12D3KooW…`
}

/** What a thrown value says to a person. */
export function errorText(error: unknown, to: Language = language): string {
  const { code, details } = (error ?? {}) as { code?: unknown; details?: Details }
  const write = GERMAN[String(details?.['part'])] ?? GERMAN[String(code)]
  return to === 'de' && write !== undefined ? write(details) : messageOf(error)
}

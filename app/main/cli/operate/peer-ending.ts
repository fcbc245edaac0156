import { AppError } from '../../../shared/errors.ts'
import type { ControlClient } from '../../api/client.ts'

/** Fewer letters say too little to act on a peer. */
const LEAST = 4
/** As the settings take them; shorter texts of the same letters are endings. */
const WHOLE_ID = /^(12D3Koo|Qm|16Uiu2|bafz|k51)[1-9A-Za-z]{38,}$/
const SHOWN = 5

/**
 * The peer id that a person means by its end (`w7Xb2q`) or as the tables shorten it (`12D3…w7Xb2q`). Whole ids, IP
 * addresses and blocks of them are returned as they are, known or not.
 * @throws AppError unknown-peer, ambiguous-peer
 */
export function peerMeant(text: string, known: readonly string[], whose: string): string {
  if (WHOLE_ID.test(text) || /[.:/]/.test(text.replace('...', '…'))) return text
  const [start = '', end = ''] =
    text.includes('…') || text.includes('...') ? text.split(/…|\.\.\./) : ['', text]
  if (end.length < LEAST) {
    const message = `"${text}" is too short: give at least the last ${LEAST} letters of the peer id.`
    throw new AppError('unknown-peer', message, { peer: text })
  }
  const found = [...new Set(known)].filter(id => id.startsWith(start) && id.endsWith(end))
  const [only, another] = found
  if (only === undefined) {
    const message = `No ${whose} peer's id ends in "${end}". Give the whole id, or look at \`waystation peers --full\`.`
    throw new AppError('unknown-peer', message, { peer: text })
  }
  if (another === undefined) return only
  const more = found.length > SHOWN ? ', …' : ''
  const message = `"${text}" may be ${found.length} peers: ${found.slice(0, SHOWN).join(', ')}${more}. Give more letters.`
  throw new AppError('ambiguous-peer', message, { peer: text })
}

/** Everyone a table of peers or reservations shows. */
export async function peersHere(client: ControlClient): Promise<string[]> {
  const [peers, reservations] = await Promise.all([client.call('peers'), client.call('reservations')])
  return [...peers, ...reservations].map(({ peer }) => peer)
}

/** The items of a list among the settings. */
export async function settingItems(
  client: ControlClient,
  key: 'access.deny' | 'relay.rate.peers'
): Promise<string[]> {
  const { settings } = await client.call('settings')
  const value = settings.find(each => each.key === key)?.value
  return Array.isArray(value) ? value.map(String) : []
}

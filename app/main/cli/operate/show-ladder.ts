import type { Health, LadderInfo, LadderRow, Rung, RungState, ViaInfo } from '../../../shared/api.ts'
import { firewallName } from '../../../shared/ladder-words.ts'
import type { ViewOptions } from './show-lists.ts'
import { localTime, wrap } from './text.ts'

const MARKS: Record<RungState, string> = {
  ok: 'ok',
  failed: 'FAILED',
  waiting: 'waits',
  off: '-',
  unknown: '?'
}
export const HEALTH_WORDS: Record<Health, string> = {
  healthy: 'healthy',
  'no-demand': 'healthy, no demand',
  local: 'this network only',
  waiting: 'not known yet',
  starting: 'starting',
  resting: 'resting',
  off: 'off',
  broken: 'NOT REACHABLE'
}
const RUNG_WIDTH = 'reservation'.length + 2
const MARK_WIDTH = 'FAILED'.length + 2
const INDENT = 2

/** The whole in a word and why, then each way in with its rungs. */
export function showLadder(ladder: LadderInfo, view: ViewOptions, via?: ViaInfo): string[] {
  const { health, cause, mend, rows, firewalls } = ladder
  const head = [`${HEALTH_WORDS[health]}`, ...sentences(cause, mend, view, INDENT)]
  const walls = firewalls.map(({ name }) => `A firewall of this machine is on: ${firewallName(name)}.`)
  const blocks = [head, ...rows.map(row => showRow(row, view)), walls, via === undefined ? [] : showVia(via)]
  return blocks.filter(block => block.length > 0).flatMap((block, at) => (at === 0 ? block : ['', ...block]))
}

function showRow({ transport, family, address, rungs }: LadderRow, view: ViewOptions): string[] {
  const title = `${transport} over ${family === 'ip6' ? 'IPv6' : 'IPv4'}`
  return [
    address === undefined ? title : `${title}: ${address.replace(/\/p2p\/[^/]+$/, '')}`,
    ...rungs.flatMap(rung => showRung(rung, view))
  ]
}

function showRung({ rung, state, cause, mend, lastOkAt }: Rung, view: ViewOptions): string[] {
  const indent = INDENT + RUNG_WIDTH + MARK_WIDTH
  const last = state === 'failed' && lastOkAt !== undefined ? ` Last right: ${localTime(lastOkAt)}.` : ''
  // What to do is said where something is wrong; what waits says it once, at the top.
  const [first = '', ...more] = sentences(cause + last, state === 'failed' ? mend : undefined, view, indent)
  const begin = ' '.repeat(INDENT) + rung.padEnd(RUNG_WIDTH) + MARKS[state].padEnd(MARK_WIDTH)
  return [begin + first.trimStart(), ...more]
}

function sentences(
  cause: string,
  mend: string | undefined,
  { width }: ViewOptions,
  indent: number
): string[] {
  return [
    ...wrap(cause, width, indent),
    ...(mend === undefined || mend === cause ? [] : wrap(`-> ${mend}`, width, indent))
  ]
}

const OUTCOMES = { reached: 'reached it', failed: 'could not reach it', none: 'did not try' }

function showVia({ peer, version, answers }: ViaInfo): string[] {
  if (version === 'none')
    return [
      `${peer} speaks no AutoNAT that this node can use (v2; v1 but of js-libp2p), so it was not asked.`
    ]
  if (answers.length === 0) return [`There is no public address that ${peer} could try.`]
  const said = answers.map(({ address, outcome }) => `  ${OUTCOMES[outcome]}: ${address}`)
  return [`Asked ${peer} (AutoNAT ${version}):`, ...said]
}

import type { SettingsChanged } from '../../../shared/api.ts'
import { formatBytes, formatDuration, formatRate, shortPeerId } from '../../../shared/format.ts'
import { isKey } from '../../../shared/settings.ts'
import { parseQuantity, writeQuantity, type Quantity } from '../../../shared/units.ts'
import { textOf } from '../../settings/at-file.ts'
import { usage } from './arguments.ts'
import { DONE, FAILED } from './exit-codes.ts'
import { peerMeant, peersHere, settingItems } from './peer-ending.ts'
import type { Run } from './run-context.ts'
import { worstCaseText } from './show-budget.ts'
import { modeText } from './show-status.ts'

/** Commands that change the running node. Each resolves with its exit code. */

export async function set(run: Run): Promise<number> {
  const values: Record<string, string> = {}
  for (const operand of run.operands) {
    const equals = operand.indexOf('=')
    if (equals < 1) throw usage(run.doc, `"${operand}" is no KEY=VALUE.`)
    const key = operand.slice(0, equals)
    if (key in values) throw usage(run.doc, `${key} is given twice.`)
    const text = operand.slice(equals + 1)
    values[key] = isKey(key) ? textOf(key, text) : text
  }
  const client = await run.connect()
  await tellWorstCase(run, client, values)
  return settingsChanged(run, await client.call('setSettings', { values }))
}

/** Settings that what a month may cost depends on. */
const COSTS = /^(quota\.|schedule\.|relay\.rate\.|relay\.circuits\.total|profile)/

/** Before it is saved: what the change allows at worst. */
async function tellWorstCase(
  run: Run,
  client: Awaited<ReturnType<Run['connect']>>,
  values: Record<string, string>
): Promise<void> {
  if (!Object.keys(values).some(key => COSTS.test(key))) return
  const { worstCase, problems } = await client.call('checkSettings', { values })
  if (worstCase !== undefined && problems.length === 0) await run.tell(worstCaseText(worstCase))
}

export async function reset(run: Run): Promise<number> {
  const withValue = run.operands.find(operand => operand.includes('='))
  if (withValue !== undefined) throw usage(run.doc, `reset takes keys alone, not "${withValue}".`)
  const client = await run.connect()
  const values = Object.fromEntries(run.operands.map(key => [key, null]))
  return settingsChanged(run, await client.call('setSettings', { values }))
}

export async function reload(run: Run): Promise<number> {
  const client = await run.connect()
  return settingsChanged(run, await client.call('reloadSettings'))
}

/** What was changed, and whether it lasts. `done` is said first. */
export async function settingsChanged(run: Run, change: SettingsChanged, done?: string): Promise<number> {
  const { applied, needsRestart, saved, warnings } = change
  await run.answer(change, () => [
    ...(done === undefined ? [] : [done]),
    ...(applied.length === 0 || done !== undefined ? [] : [`Applied: ${applied.join(', ')}.`]),
    ...(needsRestart.length === 0 ? [] : [`Applies after a restart: ${needsRestart.join(', ')}.`]),
    ...(applied.length + needsRestart.length > 0 || done !== undefined
      ? []
      : ['The node runs with that already.'])
  ])
  for (const warning of warnings) await run.tell(warning)
  // It is in force now, but will be gone with the node: a script must not take that for done.
  return saved ? DONE : FAILED
}

/** As the Api takes them. */
const LONGEST_PAUSE_SECONDS = 366 * 86_400

export async function pause(run: Run): Promise<number> {
  const seconds = amountOf(run, 'for', 'seconds', LONGEST_PAUSE_SECONDS)
  if (seconds === 0) throw usage(run.doc, '--for 0 would pause for no time.')
  const client = await run.connect()
  const mode = await client.call('pause', { ...(seconds !== undefined && { seconds }) })
  await run.answer(mode, ({ now }) => [`The node is ${modeText(mode, now)}.`, 'What runs goes on.'])
  return DONE
}

export async function resume(run: Run): Promise<number> {
  const client = await run.connect()
  const mode = await client.call('resume')
  await run.answer(mode, ({ now }) => [`The node is ${modeText(mode, now)}.`])
  return DONE
}

export async function close(run: Run): Promise<number> {
  const [text = ''] = run.operands
  const id = /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined
  if (id === undefined) throw usage(run.doc, `"${text}" is no number of a circuit.`)
  const client = await run.connect()
  const circuit = await client.call('closeCircuit', { id })
  const { source, target, seconds, bytes } = circuit
  await run.answer(circuit, () => [
    `Closed circuit ${id} from ${shortPeerId(source)} to ${shortPeerId(target)}: it ran for ` +
      `${formatDuration(Math.round(seconds))} and carried ${formatBytes(bytes.toTarget)} and, back, ${formatBytes(bytes.toSource)}.`
  ])
  return DONE
}

export async function limit(run: Run): Promise<number> {
  const given = run.valueOf('rate')
  if (given === undefined) throw usage(run.doc, 'limit needs --rate RATE, or --rate off.')
  const bytesPerSecond = given === 'off' ? null : (amountOf(run, 'rate', 'rate') ?? null)
  if (bytesPerSecond === 0) throw usage(run.doc, '--rate 0 would be no limit: --rate off takes it away.')
  const client = await run.connect()
  const limited = (await settingItems(client, 'relay.rate.peers')).map(item => item.split('=', 1)[0] ?? '')
  const known = bytesPerSecond === null ? limited : [...limited, ...(await peersHere(client))]
  const peer = peerMeant(operand(run), known, bytesPerSecond === null ? 'limited' : 'connected or reserved')
  const change = await client.call('limitPeer', { peer, bytesPerSecond })
  const done =
    bytesPerSecond === null
      ? `${peer} has the rate of all peers.`
      : `${peer} has ${formatRate(bytesPerSecond)} in each direction.`
  return settingsChanged(run, change, done)
}

export async function block(run: Run): Promise<number> {
  const client = await run.connect()
  const peer = peerMeant(operand(run), await peersHere(client), 'connected or reserved')
  const change = await client.call('blockPeer', { peer })
  return settingsChanged(run, change, `${peer} may neither reserve nor connect.`)
}

export async function unblock(run: Run): Promise<number> {
  const client = await run.connect()
  const peer = peerMeant(operand(run), await settingItems(client, 'access.deny'), 'blocked')
  return settingsChanged(run, await client.call('unblockPeer', { peer }), `${peer} is no longer blocked.`)
}

const operand = ({ operands }: Run): string => operands[0] ?? ''

const FORMS: Record<Quantity, string> = {
  seconds: 'a time such as 90s, 30min or 1h',
  rate: 'a rate such as 50kB/s or 1Mbit/s',
  bytes: 'a size such as 100MiB'
}

/** What a flag was given, in base units. @throws AppError bad-usage */
export function amountOf(run: Run, flag: string, quantity: Quantity, most = Infinity): number | undefined {
  const text = run.valueOf(flag)
  if (text === undefined) return undefined
  const amount = parseQuantity(text, quantity)
  if (amount === undefined) throw usage(run.doc, `--${flag} cannot be "${text}": give ${FORMS[quantity]}.`)
  if (amount <= most) return amount
  throw usage(run.doc, `--${flag} cannot be "${text}": ${writeQuantity(most, quantity)} is the most.`)
}

import type { NetworkInfo, Networks, NewNetwork } from '../../../shared/api.ts'
import { AppError } from '../../../shared/errors.ts'
import { IPFS_NETWORK, parseNetwork, RELAY_NAMESPACE } from '../../../shared/network-link.ts'
import { parseWhole } from '../../../shared/units.ts'
import { readSmall } from '../../settings/at-file.ts'
import { suggestion } from '../../settings/nearest.ts'
import { settingsChanged } from './actions.ts'
import { usage } from './arguments.ts'
import { DONE } from './exit-codes.ts'
import type { Run } from './run-context.ts'
import { showJoining, showNetwork, showNetworks } from './show-networks.ts'

type Action = (run: Run, operand: string | undefined) => Promise<number>

const ACTIONS: Record<string, Action> = { list, show, add, remove }
const ADD_FLAGS = ['name', 'dht', 'bootstrap', 'namespace', 'allow', 'share', 'dry-run']

/** The networks that the node serves: `list`, `show NAME`, `add …`, `remove NAME`. Resolves with the exit code. */
export async function networks(run: Run): Promise<number> {
  const [word = 'list', operand] = run.operands
  const action = ACTIONS[word]
  if (action === undefined) {
    const hint = suggestion(word, Object.keys(ACTIONS))
    throw usage(run.doc, `networks does not know "${word}".${hint}`)
  }
  const flag = ADD_FLAGS.find(name => run.has(name))
  if (flag !== undefined && action !== add) throw usage(run.doc, `--${flag} goes with add.`)
  return action(run, operand)
}

async function list(run: Run, operand?: string): Promise<number> {
  if (operand !== undefined) throw usage(run.doc, `list does not take "${operand}".`)
  const answer = await (await run.connect()).call('networks')
  await run.answer(answer, view => showNetworks(answer, view))
  return DONE
}

async function show(run: Run, name?: string): Promise<number> {
  const network = meant(await (await run.connect()).call('networks'), needed(run, 'show', name))
  await run.answer(network, view => showNetwork(network, view))
  return DONE
}

async function remove(run: Run, name?: string): Promise<number> {
  const client = await run.connect()
  const network = meant(await client.call('networks'), needed(run, 'remove', name))
  const change = await client.call('removeNetwork', { name: network.name })
  return settingsChanged(run, change, `The node has left ${network.name}.`)
}

async function add(run: Run, what?: string): Promise<number> {
  const network = networkGiven(run, what)
  if (run.has('dry-run')) {
    await run.answer(network, () => showJoining(network))
    return DONE
  }
  const client = await run.connect()
  const change = await client.call('addNetwork', network)
  if (!run.json) await run.print(...showJoining(network))
  return settingsChanged(
    run,
    change,
    `The node joins ${network.name}: \`waystation networks\` shows how far it is.`
  )
}

function needed(run: Run, action: string, name: string | undefined): string {
  if (name === undefined) throw usage(run.doc, `${action} needs the NAME of a network.`)
  return name
}

function meant({ networks }: Networks, name: string): NetworkInfo {
  const same = (text: string): boolean => text.toLowerCase() === name.toLowerCase()
  const found = networks.find(each => each.name === name) ?? networks.find(each => same(each.name))
  if (found !== undefined) return found
  const names = networks.map(each => each.name)
  const message = `There is no network "${name}".${suggestion(name, names)} \`waystation networks\` lists them.`
  throw new AppError('unknown-network', message, { network: name })
}

/** What is to be joined: a link, a file, a word or the flags alone; flags go before what they come with. */
function networkGiven(run: Run, what: string | undefined): NewNetwork {
  const base = what === undefined ? undefined : networkNamed(what)
  const name = run.valueOf('name') ?? base?.name
  const dht = run.valueOf('dht') ?? base?.dht
  if (name === undefined || dht === undefined) {
    throw usage(run.doc, 'add needs a LINK, a FILE, ipfs, or --name and --dht.')
  }
  const bootstrap = listOf(run, 'bootstrap') ?? base?.bootstrap ?? []
  const namespaces = listOf(run, 'namespace') ?? base?.namespaces ?? [RELAY_NAMESPACE]
  const allow = listOf(run, 'allow') ?? base?.allow
  const sharePercent = shareOf(run) ?? base?.sharePercent
  return {
    ...{ name, dht, bootstrap, namespaces },
    ...(allow !== undefined && { allow }),
    ...(sharePercent !== undefined && { sharePercent })
  }
}

function networkNamed(what: string): NewNetwork {
  if (what.toLowerCase() === 'ipfs') return IPFS_NETWORK
  if (/^waystation:/i.test(what)) return parseNetwork(what)
  const text = readSmall(what)
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as NewNetwork
  } catch {
    // Whoever saved a link has one line of it.
    if (/^\s*waystation:/i.test(text)) return parseNetwork(text)
  }
  throw new AppError(
    'bad-request',
    `${what} holds no network: it should be JSON such as {"name": "Chat", "dht": "/chat/kad/1.0.0", "bootstrap": ["/dns4/…/p2p/…"]}.`,
    { file: what }
  )
}

/** Items with commas between them; `none` is no item. */
function listOf(run: Run, flag: string): string[] | undefined {
  const text = run.valueOf(flag)
  if (text === undefined) return undefined
  const items = text.split(',').map(item => item.trim())
  return text.trim() === 'none' ? [] : items.filter(item => item !== '')
}

function shareOf(run: Run): number | undefined {
  const text = run.valueOf('share')
  if (text === undefined) return undefined
  const percent = parseWhole(text.replace(/\s*%$/, ''))
  if (percent !== undefined && percent >= 1 && percent <= 100) return percent
  throw usage(run.doc, `--share cannot be "${text}": give a part in percent, 1 to 100.`)
}

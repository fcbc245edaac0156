import path from 'node:path'
import { parseArgs } from 'node:util'
import { AppError, messageOf } from '../../shared/errors.ts'
import { identityFileIn, openDataFolder } from '../data-folder.ts'
import { replaceIdentity } from '../identity-backup.ts'
import { isSealedBackup, openBackup, openKeyFile, sealBackup } from '../relay/backup.ts'
import { readIdentity } from '../relay/identity.ts'
import { resolveDataDir } from '../settings/paths.ts'
import { checkTarget, isThere, readBackup, writeBackup } from './backup-file.ts'
import { existingPassphrase, newPassphrase, type PassphraseSources } from './passphrase.ts'
import type { TerminalInput } from './prompt.ts'

export interface CommandIo {
  stdin: TerminalInput
  stdout: NodeJS.WritableStream
  stderr: NodeJS.WritableStream
  env: Readonly<Record<string, string | undefined>>
}

export interface IdentityContext {
  identityFile: string
  dataDir: string
}

const USAGE = `Usage
  waystation identity show [--json]              print this node's peer id
  waystation identity export FILE [--force]      write an encrypted backup of its key (- for standard output)
  waystation identity import FILE [--replace]    take the key from a backup, or from an Ed25519 key file of
                                                 another libp2p program (- for standard input)

  --passphrase-file FILE   the backup's passphrase; else WAYSTATION_PASSPHRASE, else it is asked for
  --force                  export: overwrite FILE
  --replace                import: keep the present key beside the new one, as identity.key.replaced-TIME
  --json                   show: as JSON
  --data-dir DIR, --identity FILE   which node's key, as when starting it
`

const OPTIONS = {
  json: { type: 'boolean' },
  force: { type: 'boolean' },
  replace: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  'passphrase-file': { type: 'string' },
  'data-dir': { type: 'string' },
  identity: { type: 'string' }
} as const

type Values = ReturnType<typeof parse>['values']

/** What each action knows: where things are, what was asked for, and whom to tell. */
interface Run extends IdentityContext {
  file: string
  values: Values
  io: CommandIo
  now: Date
}

const ACTIONS: Record<
  string,
  { operands: number; flags: readonly (keyof Values)[]; run(run: Run): Promise<void> }
> = {
  show: { operands: 0, flags: ['json'], run: show },
  export: { operands: 1, flags: ['force', 'passphrase-file'], run: exportKey },
  import: { operands: 1, flags: ['replace', 'passphrase-file'], run: importKey }
}

/** Flags of every action. */
const COMMON_FLAGS: readonly string[] = ['data-dir', 'identity', 'help']

/**
 * `waystation identity show | export FILE | import FILE`; `args` begins after the word "identity". `context` holds
 * where the caller found the key and the data folder to be; the same flags among `args` win over it.
 * Returns the exit code: 0 done, 1 failed, 2 wrong usage. Tells people on stderr, and throws only our own faults.
 */
export async function runIdentityCommand(
  args: string[],
  io: CommandIo,
  context: IdentityContext
): Promise<number> {
  try {
    const { values, positionals } = parse(args)
    if (values.help === true) {
      await write(io.stdout, USAGE)
      return 0
    }
    const { action, file } = chooseAction(positionals, values)
    await action.run({ ...whereabouts(values, context), file, values, io, now: new Date() })
    return 0
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const usage = error.code === 'bad-usage'
    await write(io.stderr, `waystation: ${error.message}\n${usage ? `\n${USAGE}` : ''}`)
    return usage ? 2 : 1
  }
}

/** The same with the whole command line, the word "identity" included, on this process's terminal. */
export async function runIdentity(argv: string[]): Promise<number> {
  const { tokens, values } = parseArgs({ args: argv, options: OPTIONS, strict: false, tokens: true })
  const word = tokens.find(token => token.kind === 'positional')?.index ?? -1
  const given = values['data-dir']
  const dataDir = resolveDataDir(typeof given === 'string' ? given : undefined, process.env)
  const args = argv.filter((_, at) => at !== word)
  return runIdentityCommand(args, process, { dataDir, identityFile: identityFileIn(dataDir) })
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true, strict: true })
  } catch (error) {
    throw new AppError('bad-usage', messageOf(error), {}, error)
  }
}

function chooseAction(positionals: string[], values: Values) {
  const [name, file, ...more] = positionals
  const action = name !== undefined && Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined
  if (name === undefined || action === undefined) {
    const what = name === undefined ? 'Say what to do' : `There is no "identity ${name}"`
    throw new AppError('bad-usage', `${what}: show, export FILE or import FILE.`)
  }
  if (action.operands === 1 && (file === undefined || file === '')) {
    throw new AppError('bad-usage', `identity ${name} needs a FILE.`)
  }
  const extra = action.operands === 0 ? file : more[0]
  if (extra !== undefined) throw new AppError('bad-usage', `identity ${name} does not take "${extra}".`)
  const allowed = [...action.flags, ...COMMON_FLAGS]
  const empty = Object.entries(values).find(([, value]) => value === '')?.[0]
  if (empty !== undefined) throw new AppError('bad-usage', `--${empty} needs a value.`)
  const foreign = Object.keys(values).find(flag => !allowed.includes(flag))
  if (foreign !== undefined) throw new AppError('bad-usage', `identity ${name} does not take --${foreign}.`)
  return { action, file: file ?? '' }
}

function whereabouts(values: Values, context: IdentityContext): IdentityContext {
  const dir = values['data-dir']
  const there = dir === undefined ? context : { dataDir: dir, identityFile: identityFileIn(dir) }
  const identityFile = path.resolve(values.identity ?? there.identityFile)
  return { dataDir: path.resolve(there.dataDir), identityFile }
}

async function show({ identityFile, values, io }: Run): Promise<void> {
  const { peerId, warning } = await readIdentity(identityFile)
  const facts = { peerId, file: identityFile, kind: 'Ed25519' }
  const text = `Peer id   ${facts.peerId}\nKey file  ${facts.file}\nKind      ${facts.kind}\n`
  await write(io.stdout, values.json === true ? `${JSON.stringify(facts, null, 2)}\n` : text)
  if (warning !== undefined) await write(io.stderr, `${warning}\n`)
}

async function exportKey({ identityFile, file, values, io }: Run): Promise<void> {
  const force = values.force === true
  const identity = await readIdentity(identityFile)
  // Before the passphrase is asked for; writing looks again when it counts.
  if (file !== '-') await checkTarget(file, force, identityFile)
  const passphrase = await newPassphrase(passphraseSources(values, io))
  const backup = await sealBackup(identity.privateKey, passphrase)
  if (file === '-') return write(io.stdout, backup)

  await writeBackup(file, backup, force)
  const done = `Wrote the encrypted backup of ${identity.peerId} to ${path.resolve(file)}.`
  await write(io.stdout, `${done}\nKeep the passphrase: without it the backup is of no use.\n`)
}

async function importKey(run: Run): Promise<void> {
  const folder = await openDataFolder(run.dataDir)
  // A running node would go on with the old key, and one that starts now must find one or the other.
  await folder.lock()
  try {
    await importLocked(run)
  } finally {
    await folder.unlock()
  }
}

async function importLocked({ identityFile, file, values, io, now }: Run): Promise<void> {
  const exists = await isThere(identityFile)
  if (exists && values.replace !== true) throw identityExists(identityFile)
  const content = await readBackup(file, io.stdin)
  const identity = isSealedBackup(content)
    ? await openBackup(content, await existingPassphrase(passphraseSources(values, io)))
    : await openKeyFile(content)

  const kept = await replaceIdentity(identity, identityFile, now)
  const note = kept === undefined ? '' : `The key it had before is kept in ${kept}\n`
  await write(io.stdout, `This node's peer id is now ${identity.peerId}\n${note}`)
}

function identityExists(file: string): AppError {
  const message = `There is an identity at ${file} already; it was left as it is. Move it away first, or give --replace, which keeps it beside the new one.`
  return new AppError('identity-exists', message, { file })
}

function passphraseSources(values: Values, io: CommandIo): PassphraseSources {
  return { file: values['passphrase-file'], env: io.env, stdin: io.stdin, stderr: io.stderr }
}

/** Returns once the text is handed on, so that an exit right after does not cut it off. */
function write(to: NodeJS.WritableStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    to.write(text, error => (error ? reject(error) : resolve()))
  })
}

import { readFile } from 'node:fs/promises'
import { AppError, messageOf } from '../../shared/errors.ts'
import { longEnough, SHORTEST_PASSPHRASE } from '../relay/backup.ts'
import { askHidden, canAsk, type TerminalInput } from './prompt.ts'

/** Where a passphrase may come from. */
export interface PassphraseSources {
  /** `--passphrase-file`, which goes first. */
  file?: string
  env: Readonly<Record<string, string | undefined>>
  stdin: TerminalInput
  stderr: NodeJS.WritableStream
}

const VARIABLE = 'WAYSTATION_PASSPHRASE'

/**
 * The passphrase for a new backup: from the file, the environment, or asked twice. Throws `passphrase-missing`,
 * `passphrase-unusable` (short, or mistyped the second time), `file-unreadable` or `cancelled`.
 */
export async function newPassphrase(sources: PassphraseSources): Promise<string> {
  const given = await givenPassphrase(sources)
  if (given !== undefined) return longEnough(given)
  const ask = (question: string): Promise<string> => askHidden(question, sources.stdin, sources.stderr)
  const first = longEnough(
    await ask(`Passphrase for the backup (at least ${SHORTEST_PASSPHRASE} characters): `)
  )
  if ((await ask('The same again: ')) === first) return first
  throw new AppError('passphrase-unusable', 'The two passphrases differ. Nothing was written; try again.')
}

/** The passphrase of an existing backup. Throws as `newPassphrase` does, but takes one of any length. */
export async function existingPassphrase(sources: PassphraseSources): Promise<string> {
  return (
    (await givenPassphrase(sources)) ??
    (await askHidden('Passphrase of the backup: ', sources.stdin, sources.stderr))
  )
}

/** Undefined if it has to be asked for. */
async function givenPassphrase({ file, env, stdin }: PassphraseSources): Promise<string | undefined> {
  if (file !== undefined) return fromFile(file)
  // An empty variable counts as not set, as everywhere.
  const variable = env[VARIABLE] || undefined
  if (variable !== undefined) return variable
  if (canAsk(stdin)) return undefined
  const message = `A passphrase is needed, and there is no terminal to ask on. Give it with --passphrase-file FILE or in ${VARIABLE}.`
  throw new AppError('passphrase-missing', message)
}

async function fromFile(file: string): Promise<string> {
  const bytes = await readFile(file).catch((error: unknown) => {
    const message = `The passphrase file ${file} cannot be read: ${messageOf(error)}.`
    throw new AppError('file-unreadable', message, { file }, error)
  })
  const text = decode(bytes)?.replace(/\r?\n$/, '')
  if (text === undefined || /[\r\n\0]/.test(text)) {
    const message = `The passphrase file ${file} must hold one line of UTF-8 text: the passphrase.`
    throw new AppError('passphrase-unusable', message, { file })
  }
  if (text !== '') return text
  const message = `The passphrase file ${file} is empty. Write the passphrase into it, on one line.`
  throw new AppError('passphrase-missing', message, { file })
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

import path from 'node:path'
import type { StorageInfo, StoredFile } from '../../../shared/api.ts'
import { AppError, messageOf, systemCode } from '../../../shared/errors.ts'
import { formatBytes } from '../../../shared/format.ts'
import { createWhole } from '../../relay/whole-file.ts'
import { suggestion } from '../../settings/nearest.ts'
import { usage } from './arguments.ts'
import { DONE } from './exit-codes.ts'
import type { Run } from './run-context.ts'
import type { ViewOptions } from './show-lists.ts'
import { table } from './table.ts'
import { jsonText, wrap } from './text.ts'

type Action = (run: Run, operand: string | undefined) => Promise<number>

const ACTIONS: Record<string, Action> = { list, export: exportTo, delete: deleteHistory }
const PRIVATE = 0o600

/** What this app stores: `list`, `export [FILE]`, `delete --yes`. Resolves with the exit code. */
export async function storage(run: Run): Promise<number> {
  const [word = 'list', operand] = run.operands
  const action = Object.hasOwn(ACTIONS, word) ? ACTIONS[word] : undefined
  if (action === undefined) {
    throw usage(run.doc, `storage does not know "${word}".${suggestion(word, Object.keys(ACTIONS))}`)
  }
  if (operand !== undefined && action !== exportTo)
    throw usage(run.doc, `${word} does not take "${operand}".`)
  if (run.has('yes') && action !== deleteHistory) throw usage(run.doc, '--yes goes with delete.')
  return action(run, operand)
}

async function list(run: Run): Promise<number> {
  const answer = await (await run.connect()).call('storage')
  await run.answer(answer, view => showStorage(answer, view))
  return DONE
}

async function exportTo(run: Run, file?: string): Promise<number> {
  const client = await run.connect()
  const text = jsonText(await client.call('exportData'), 2)
  if (file === undefined || file === '-') {
    await run.print(text)
    return DONE
  }
  const target = path.resolve(file)
  await createWhole(target, `${text}\n`, PRIVATE).catch((error: unknown) => {
    throw unwritten(target, error)
  })
  await run.answer({ file: target }, () => [`Everything but keys and secrets is in ${target}.`])
  return DONE
}

function unwritten(file: string, error: unknown): AppError {
  const code = systemCode(error)
  if (code === 'EEXIST') {
    const message = `There is a file ${file} already; it was left as it is. Choose another name.`
    return new AppError('file-exists', message, { file }, error)
  }
  const why = code === 'ENOENT' ? 'its folder does not exist' : messageOf(error)
  return new AppError('file-unwritable', `${file} cannot be written: ${why}.`, { file }, error)
}

async function deleteHistory(run: Run): Promise<number> {
  if (!run.has('yes')) {
    throw usage(run.doc, 'delete takes all figures of the past off the disk, for good: add --yes to do it.')
  }
  await (await run.connect()).call('deleteHistory')
  await run.answer(null, () => ['The history was deleted. Counting begins anew; quotas count on.'])
  return DONE
}

/** Each file with its size, then what is in it. */
function showStorage({ dir, files }: StorageInfo, options: ViewOptions): string[] {
  const nameOf = (file: StoredFile): string => path.relative(dir, file.path) || file.path
  const sorted = files.toSorted((a, b) => b.bytes - a.bytes)
  const lines = table<StoredFile>(
    [
      { head: 'FILE', text: nameOf, least: 16 },
      { head: 'WHAT', text: ({ kind }) => kind },
      { head: 'SIZE', text: ({ bytes }) => formatBytes(bytes), right: true }
    ],
    sorted,
    options
  )
  const contents = sorted.flatMap(file => {
    const lines = fieldLines(file.fields).flatMap(({ text, indent }) => wrap(text, options.width, indent))
    return lines.length === 0 ? [] : ['', `${nameOf(file)}:`, ...lines]
  })
  return [`In ${dir}:`, '', ...lines, ...contents]
}

/** Those that are kept for the same times stand together, under these. */
function fieldLines(fields: readonly string[]): { text: string; indent: number }[] {
  const byTimes = Map.groupBy(whatAndWhen(fields), ([, times]) => times.join(', '))
  return [...byTimes].flatMap(([times, all]) => {
    const under = all.map(([what]) => ({ text: what, indent: times === '' ? 2 : 4 }))
    return times === '' ? under : [{ text: `for ${times}:`, indent: 2 }, ...under]
  })
}

function whatAndWhen(fields: readonly string[]): [what: string, times: string[]][] {
  const all = new Map<string, string[]>()
  for (const field of fields) {
    const [what = '', time] = field.split(', in ')
    all.set(what, [...(all.get(what) ?? []), ...(time === undefined ? [] : [time])])
  }
  return [...all]
}

import type { SettingsInfo } from '../../../shared/api.ts'
import { AppError } from '../../../shared/errors.ts'
import { suggestion } from '../../settings/nearest.ts'
import { DONE } from './exit-codes.ts'
import type { Run } from './run-context.ts'
import { showMetrics } from './show-figures.ts'
import { showCircuits, showPeers, showRefusals, showReservations, showSettings } from './show-lists.ts'
import { showStatus } from './show-status.ts'

/** Commands that show what the node answers. Each resolves with its exit code. */

export async function status(run: Run): Promise<number> {
  const answer = await (await run.connect()).call('status')
  await run.answer(answer, view => showStatus(answer, view))
  return DONE
}

export async function reservations(run: Run): Promise<number> {
  const answer = await (await run.connect()).call('reservations')
  await run.answer(answer, view => showReservations(answer, view))
  return DONE
}

export async function circuits(run: Run): Promise<number> {
  const answer = await (await run.connect()).call('circuits')
  await run.answer(answer, view => showCircuits(answer, view))
  return DONE
}

export async function peers(run: Run): Promise<number> {
  const answer = await (await run.connect()).call('peers')
  await run.answer(answer, view => showPeers(answer, view))
  return DONE
}

export async function refusals(run: Run): Promise<number> {
  const client = await run.connect()
  const [answer, inForce] = await Promise.all([client.call('refusals'), client.call('settings')])
  await run.answer(answer, view => showRefusals(answer, inForce, view))
  return DONE
}

export async function settings(run: Run): Promise<number> {
  const all = await (await run.connect()).call('settings')
  const asked = run.operands
  const isOf = (asked: string, key: string): boolean => key === asked || key.startsWith(`${asked}.`)
  const unknown = asked.find(name => !all.settings.some(({ key }) => isOf(name, key)))
  if (unknown !== undefined) throw unknownSetting(unknown, all)
  const shown = all.settings.filter(({ key }) => asked.length === 0 || asked.some(name => isOf(name, key)))
  const answer = { file: all.file, settings: shown }
  await run.answer(answer, view => showSettings(answer, view))
  return DONE
}

function unknownSetting(name: string, { settings: all }: SettingsInfo): AppError {
  const near = suggestion(
    name,
    all.map(({ key }) => key)
  )
  const message = `There is no setting "${name}".${near} \`waystation settings\` lists them.`
  return new AppError('unknown-setting', message, { setting: name })
}

export async function metrics(run: Run): Promise<number> {
  const answer = await (await run.connect()).call('metrics')
  await run.answer(answer, view => showMetrics(answer, view))
  return DONE
}

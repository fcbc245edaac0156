import { AppError, messageOf, systemCode } from '../../../shared/errors.ts'
import { connectControl } from '../../control-folder.ts'
import { resolveDataDir } from '../../settings/paths.ts'
import { block, close, limit, pause, reload, reset, resume, set, unblock } from './actions.ts'
import { parseArguments } from './arguments.ts'
import { commandHelp } from './command-help.ts'
import type { CommandDoc, CommandName } from './command-table.ts'
import { dashboard } from './dashboard.ts'
import { doctor } from './doctor.ts'
import { drain } from './drain.ts'
import { DONE, exitCodeOf, FAILED } from './exit-codes.ts'
import { events, logs } from './follow.ts'
import { networks } from './networks.ts'
import { circuits, metrics, peers, refusals, reservations, settings, status } from './lists.ts'
import { history, stats } from './past.ts'
import { storage } from './storage.ts'
import { Run, written, type OperateIo, type OperateTiming, type RunComponents } from './run-context.ts'
import { plain } from './text.ts'

const COMMANDS: Record<CommandName, (run: Run) => Promise<number>> = {
  status,
  doctor,
  dashboard,
  reservations,
  circuits,
  peers,
  refusals,
  settings,
  set,
  reset,
  reload,
  pause,
  resume,
  drain,
  close,
  limit,
  block,
  unblock,
  networks,
  stats,
  history,
  storage,
  logs,
  metrics,
  events
}

/**
 * Runs a command on the node of a data folder; `argv` is the whole command line, with the command's word in it.
 * Results go to stdout, messages to stderr. Resolves with the exit code (exit-codes.ts).
 */
export async function runOperate(
  command: CommandDoc & { name: CommandName },
  argv: readonly string[],
  io: OperateIo,
  timing: OperateTiming
): Promise<number> {
  try {
    const given = parseArguments(command, argv)
    if (given.flags.has('help')) {
      await written(io.stdout, commandHelp(command))
      return DONE
    }
    const chosen = given.flags.get('data-dir')
    const dataDir = resolveDataDir(chosen === true ? undefined : chosen, io.env)
    const connect: RunComponents['connect'] = options => connectControl(dataDir, { ...timing, ...options })
    return await COMMANDS[command.name](new Run({ ...io, ...timing, connect }, command, given, dataDir))
  } catch (error) {
    // Who read the result has gone (`… | head`), and wants no more.
    if (systemCode(error) === 'EPIPE') return DONE
    const known = error instanceof AppError
    const text = known ? error.message : `${command.name} failed: ${messageOf(error)}`
    await written(io.stderr, `waystation: ${plain(text)}\n`).catch(() => {})
    return known ? exitCodeOf(error.code) : FAILED
  }
}

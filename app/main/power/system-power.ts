import { systemTiming } from '../relay/budget/shaper.ts'
import { linuxReaders } from './linux.ts'
import { macReader } from './macos.ts'
import type { PowerReader } from './power-reader.ts'
import { PowerWatch, type PowerWatchComponents } from './power-watch.ts'
import { runProgram } from './run-program.ts'
import { windowsReader } from './windows.ts'

/** What a program around the node knows by itself. */
export interface KnownPower {
  reader?: PowerReader
  listen?: PowerWatchComponents['listen']
}

/** This system, asked without native modules. It is asked nothing until a rule needs it. */
export function createSystemPower({ reader, listen }: KnownPower = {}): PowerWatch {
  const known = reader === undefined ? [] : [reader]
  return new PowerWatch({
    readers: [...known, ...readersOf(process.platform, reader)],
    timing: systemTiming,
    ...(listen !== undefined && { listen })
  })
}

function readersOf(platform: NodeJS.Platform, known?: PowerReader): PowerReader[] {
  switch (platform) {
    case 'linux':
      return linuxReaders()
    case 'darwin':
      return [macReader(runProgram)]
    case 'win32':
      return [windowsReader(runProgram, known?.facts)]
    default:
      return []
  }
}

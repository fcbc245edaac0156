import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { ControlAccess } from '../../../app/main/api/client.ts'

/** Where the node of a data folder answers, and its token; undefined while there is none. */
export function controlAccess(dataDir: string): ControlAccess | undefined {
  try {
    const file = readFileSync(path.join(dataDir, 'control.json'), 'utf8')
    const token = readFileSync(path.join(dataDir, 'control.token'), 'utf8').trim()
    return { ...(JSON.parse(file) as Omit<ControlAccess, 'token'>), token }
  } catch {
    return undefined
  }
}

import { z } from 'zod'
import { errorOf } from '../../shared/api-error.ts'
import type { Api, Method, Result } from '../../shared/api.ts'
import { AppError } from '../../shared/errors.ts'

export { errorOf }

const PEER = z.string().min(1).max(128)
const SECONDS = z
  .int()
  .min(1)
  .max(366 * 86_400)
const NOTHING = z.strictObject({})
const PASSPHRASE = z.string().max(1024)
/** Characters: no backup of a key is near it. */
const LONGEST_BACKUP = 64 * 1024
const CHANGE = z.strictObject({ values: z.record(z.string(), z.unknown()) })
const TIME = z.iso.datetime({ offset: true })

/** Its parts are verified with the setting that it becomes a part of. */
const NETWORK = z.strictObject({
  name: z.string(),
  dht: z.string(),
  bootstrap: z.array(z.string()).optional(),
  namespaces: z.array(z.string()).optional(),
  allow: z.array(z.string()).optional(),
  sharePercent: z.number().optional()
})

/** What each method takes. Whatever carries a call (HTTP, IPC) checks it by this. */
const REQUESTS = {
  status: NOTHING,
  ladder: NOTHING,
  selfTest: NOTHING,
  verifyVia: z.strictObject({ address: z.string().min(1).max(1024) }),
  reservations: NOTHING,
  circuits: NOTHING,
  peers: NOTHING,
  refusals: z.strictObject({ seconds: SECONDS.optional() }),
  settings: NOTHING,
  checkSettings: CHANGE,
  setSettings: CHANGE,
  reloadSettings: NOTHING,
  pause: z.strictObject({ seconds: SECONDS.optional() }),
  resume: NOTHING,
  restartNode: NOTHING,
  drain: z.strictObject({ seconds: z.int().min(0).max(86_400).optional() }),
  closeCircuit: z.strictObject({ id: z.int().min(1) }),
  limitPeer: z.strictObject({ peer: PEER, bytesPerSecond: z.int().min(1).nullable() }),
  blockPeer: z.strictObject({ peer: PEER }),
  unblockPeer: z.strictObject({ peer: PEER }),
  networks: NOTHING,
  addNetwork: NETWORK,
  removeNetwork: z.strictObject({ name: z.string().min(1).max(200) }),
  stats: z.strictObject({ since: TIME.optional() }),
  history: z.strictObject({
    step: z.enum(['minute', 'hour', 'day']),
    from: TIME.optional(),
    to: TIME.optional()
  }),
  deleteHistory: NOTHING,
  storage: NOTHING,
  exportData: NOTHING,
  exportIdentity: z.strictObject({ passphrase: PASSPHRASE }),
  importIdentity: z.strictObject({ text: z.string().max(LONGEST_BACKUP), passphrase: PASSPHRASE }),
  metrics: NOTHING,
  logs: z.strictObject({ lines: z.int().min(0).optional() })
} satisfies { [M in Method]: z.ZodType<NonNullable<Parameters<Api[M]>[0]> | Record<string, never>> }

export function isMethod(name: string): name is Method {
  return Object.hasOwn(REQUESTS, name)
}

/** Calls a method with a request that came from outside. Never throws: what goes wrong is in the answer. */
export async function callMethod(api: Api, method: Method, request: unknown): Promise<Result<unknown>> {
  try {
    const checked = REQUESTS[method].safeParse(request ?? {})
    if (!checked.success) throw badRequest(method, checked.error)
    const call = api[method].bind(api) as (request: unknown) => Promise<unknown>
    // JSON has no undefined, and every answer has a value.
    return { ok: true, value: (await call(checked.data)) ?? null }
  } catch (error) {
    if (error instanceof AppError) return { ok: false, error: errorOf(error) }
    throw error
  }
}

function badRequest(method: Method, error: z.ZodError): AppError {
  const [issue] = error.issues
  const field = issue?.path.join('.') ?? ''
  const message = `${method}: ${field === '' ? 'the request' : field} is not right: ${issue?.message ?? 'unreadable'}.`
  return new AppError('bad-request', message, { ...(field !== '' && { field }) })
}

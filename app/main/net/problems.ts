import { STATUS_CODES } from 'node:http'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'

/** Problem details for HTTP APIs (RFC 9457). */

export const PROBLEM_TYPE = 'application/problem+json'

/** Each code of a problem and the status that it is sent with. Clients switch on the code, never on the text. */
const STATUS_OF = {
  'bad-request': 400,
  'not-found': 404,
  'method-not-allowed': 405,
  'request-timeout': 408,
  'body-too-large': 413,
  'headers-too-large': 431,
  'too-many-requests': 429,
  'internal-error': 500,
  'not-ready': 503
} as const

export type ProblemCode = keyof typeof STATUS_OF
const CODES = Object.keys(STATUS_OF) as ProblemCode[]

export const Problem = z
  .strictObject({
    type: z.literal('about:blank').describe('The code and the status say all there is'),
    title: z.string().describe('The phrase of the status'),
    status: z.int().min(400).max(599),
    detail: z.string().describe('What is wrong and what to do, for people'),
    instance: z.string().optional().describe('The path that was asked for'),
    code: z.enum(CODES).describe('Stable: switch on this'),
    reasons: z.array(z.string()).optional().describe('Why the node is not ready, one word each')
  })
  .describe('Problem details (RFC 9457)')
export type Problem = z.infer<typeof Problem>

/** Thrown by hooks and handlers; the error handler answers with it. */
export class ProblemError extends Error {
  readonly code: ProblemCode
  readonly statusCode: number
  readonly reasons: string[] | undefined

  constructor(code: ProblemCode, detail: string, reasons?: string[]) {
    super(detail)
    this.name = 'ProblemError'
    this.code = code
    this.statusCode = STATUS_OF[code]
    this.reasons = reasons
  }
}

/** The body of an answer; `url` is the request's, whose query is left out (it may hold what is nobody's business). */
export function problemOf(error: ProblemError, url?: string): Problem {
  return {
    type: 'about:blank',
    title: STATUS_CODES[error.statusCode] ?? 'Error',
    status: error.statusCode,
    detail: error.message,
    ...(url === undefined ? {} : { instance: url.split('?', 1)[0] }),
    code: error.code,
    ...(error.reasons === undefined ? {} : { reasons: error.reasons })
  }
}

/** What fastify itself refuses has a status only. Its texts may quote the request or the code: ours are sent. */
export function problemFromStatus(status: number): ProblemError | undefined {
  if (status === 413) return new ProblemError('body-too-large', 'The body is larger than 64 KiB.')
  if (status >= 400 && status < 500)
    return new ProblemError('bad-request', 'The request cannot be understood.')
  return undefined
}

export function sendProblem(reply: FastifyReply, error: ProblemError, url?: string): FastifyReply {
  return reply.code(error.statusCode).type(PROBLEM_TYPE).send(problemOf(error, url))
}

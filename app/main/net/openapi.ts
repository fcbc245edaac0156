import { z } from 'zod'
import { Identity, IdentityQuery, Status } from './http-schemas.ts'
import { Problem, PROBLEM_TYPE } from './problems.ts'

/** The OpenAPI 3.1 document of the public pages. Its schemas are those that the answers are typed by. */

const TAGS = {
  node: 'Who the node is',
  health: 'For load balancers and supervisors; not rate-limited'
} as const

type QueryType = z.ZodObject<Record<string, z.ZodType>>

interface Page {
  id: string
  tag: keyof typeof TAGS
  summary: string
  query?: QueryType
  answer: object
  problems?: Record<number, object>
}

const schema = (name: 'Identity' | 'Status' | 'Problem'): object => ({ $ref: `#/components/schemas/${name}` })
const json = (description: string, content: object): object => ({
  description,
  content: { 'application/json': { schema: content } }
})
const response = (name: string): object => ({ $ref: `#/components/responses/${name}` })
const problem = (description: string, headers?: object): object => ({
  description,
  ...(headers === undefined ? {} : { headers }),
  content: { [PROBLEM_TYPE]: { schema: schema('Problem') } }
})
const header = (description: string, type: 'integer' | 'string'): object => ({
  description,
  schema: { type }
})

const LIMITED = { 429: response('TooManyRequests') }
const PAGES: Record<string, Page> = {
  '/api/v1/identity': {
    id: 'identity',
    tag: 'node',
    summary: 'Peer id, addresses and versions of this node',
    query: IdentityQuery,
    answer: json('The identity of this node', schema('Identity')),
    problems: { 400: response('BadRequest'), ...LIMITED }
  },
  '/api/v1/openapi.json': {
    id: 'openapi',
    tag: 'node',
    summary: 'This document',
    answer: json('An OpenAPI 3.1 document', { type: 'object', required: ['openapi', 'info', 'paths'] }),
    problems: LIMITED
  },
  '/healthz': {
    id: 'alive',
    tag: 'health',
    summary: 'Whether the process is alive',
    answer: json('It is alive', schema('Status'))
  },
  '/readyz': {
    id: 'ready',
    tag: 'health',
    summary: 'Whether the node takes work: it listens and is not draining',
    answer: json('It takes work', schema('Status')),
    problems: { 503: response('NotReady') }
  }
}

/** The document; `version` is the program's. */
export function openApiDocument(version: string): Record<string, unknown> {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Waystation public pages',
      version,
      license: { name: '(Apache-2.0 OR MIT)', identifier: 'Apache-2.0 OR MIT' },
      description:
        'Identity and health of a relay node. Any origin may read them. ' +
        'Everything that fails is answered with problem details (RFC 9457) and a stable `code`.'
    },
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths: Object.fromEntries(Object.entries(PAGES).map(([path, page]) => [path, pathItem(page)])),
    components: {
      schemas: { Identity: jsonSchema(Identity), Status: jsonSchema(Status), Problem: jsonSchema(Problem) },
      responses: {
        BadRequest: problem('A parameter has a value that is not known'),
        TooManyRequests: problem('Too many requests from this IP address (IPv6: from this /56)', {
          'Retry-After': header('Seconds until the next request is answered', 'integer')
        }),
        NotReady: problem('The node does not listen yet, or is draining'),
        MethodNotAllowed: problem('The path is known, the method is not', {
          Allow: header('The methods of this path', 'string')
        }),
        Problem: problem('Anything else: an unknown path, a malformed request, a fault of this node')
      }
    }
  }
}

function pathItem({ id, tag, summary, query, answer, problems = {} }: Page): object {
  const parameters = query === undefined ? {} : { parameters: parametersOf(query) }
  const responses = {
    200: answer,
    405: response('MethodNotAllowed'),
    ...problems,
    default: response('Problem')
  }
  return {
    get: { operationId: id, tags: [tag], summary, ...parameters, responses },
    head: {
      operationId: `${id}-head`,
      tags: [tag],
      summary: `${summary} (headers only)`,
      ...parameters,
      responses: headersOnly()
    }
  }

  function headersOnly(): object {
    return {
      200: { description: 'The headers of the GET answer' },
      default: { description: 'As for GET, without the body' }
    }
  }
}

function parametersOf(query: QueryType): object[] {
  return Object.entries(query.shape).map(([name, type]) => {
    const { description, ...rest } = jsonSchema(type) as { description?: string }
    return { name, in: 'query', required: false, description, schema: rest }
  })
}

function jsonSchema(type: z.ZodType): object {
  const schema = z.toJSONSchema(type)
  // OpenAPI 3.1 has this dialect unless told otherwise.
  delete schema.$schema
  return schema
}

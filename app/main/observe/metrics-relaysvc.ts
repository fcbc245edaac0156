import { DURATION_BOUNDS } from './counters.ts'
import type { RequestKind } from './events.ts'
import {
  byLabel,
  one,
  sum,
  type Definition,
  type Figures,
  type HistogramDefinition
} from './metrics-definition.ts'

/**
 * The relay's metrics as go-libp2p has them (p2p/protocol/circuitv2/relay/metrics.go): same names, labels, values and
 * meaning, so that dashboards for go relays show this one too. Our own words for refusals are in
 * waystation_refusals_total.
 */

/** What go says of a wire status (circuit v2, "Status codes"), and of why it was a rejection. */
const ANSWERS: Record<number, { status: AnswerLabel; reason?: string }> = {
  100: { status: 'ok' },
  200: { status: 'rejected', reason: 'ip constraint violation' },
  201: { status: 'rejected', reason: 'resource limit exceeded' },
  202: { status: 'rejected', reason: 'permission denied' },
  203: { status: 'error' },
  204: { status: 'rejected', reason: 'no reservation' },
  400: { status: 'rejected', reason: 'malformed message' },
  401: { status: 'error' }
}
type AnswerLabel = 'ok' | 'rejected' | 'error' | 'unknown'

const STATUS_LABEL = { status: 'ok, rejected, error' }
/** Those that the request can be answered with. */
const REASONS = {
  reserve: ['ip constraint violation', 'permission denied'],
  connect: ['resource limit exceeded', 'permission denied', 'no reservation', 'malformed message']
} satisfies Record<RequestKind, string[]>

function answersOf({ counters }: Figures, request: RequestKind): Record<string, number> {
  const counts: Record<string, number> = { ok: 0, rejected: 0, error: 0 }
  for (const [status, count] of Object.entries(counters.answers[request])) {
    const label = ANSWERS[Number(status)]?.status ?? 'unknown'
    counts[label] = (counts[label] ?? 0) + count
  }
  return counts
}

function rejectionsOf({ counters }: Figures, request: RequestKind): Record<string, number> {
  const counts: Record<string, number> = Object.fromEntries(REASONS[request].map(reason => [reason, 0]))
  for (const [status, count] of Object.entries(counters.answers[request])) {
    const reason = ANSWERS[Number(status)]?.reason
    if (reason !== undefined) counts[reason] = (counts[reason] ?? 0) + count
  }
  return counts
}

const PREFIX = 'libp2p_relaysvc'

export const relayServiceMetrics: readonly (Definition | HistogramDefinition)[] = [
  {
    name: `${PREFIX}_status`,
    type: 'gauge',
    help: 'Whether the relay takes new work: 1, or 0 while it is off, paused, draining or beyond its quota',
    values: ({ gauges }) => one(gauges.mode === 'open' ? 1 : 0)
  },
  {
    name: `${PREFIX}_reservations_total`,
    type: 'counter',
    help: 'Reservations opened, renewed and closed; those that expired are closed. Opened less closed are held now',
    labels: { type: 'opened, renewed, closed' },
    values: ({ counters: { reservations } }) => {
      const { opened, renewed, expired, ended } = reservations
      return byLabel('type', { opened, renewed, closed: expired + sum(ended) })
    }
  },
  {
    name: `${PREFIX}_reservation_request_response_status_total`,
    type: 'counter',
    help: 'Answered RESERVE requests',
    labels: STATUS_LABEL,
    values: figures => byLabel('status', answersOf(figures, 'reserve'))
  },
  {
    name: `${PREFIX}_reservation_rejections_total`,
    type: 'counter',
    help: 'Rejected RESERVE requests by wire status, which has one word for every limit of this relay',
    labels: { reason: REASONS.reserve.join(', ') },
    values: figures => byLabel('reason', rejectionsOf(figures, 'reserve'))
  },
  {
    name: `${PREFIX}_connections_total`,
    type: 'counter',
    help: 'Circuits opened and closed; opened less closed run now',
    labels: { type: 'opened, closed' },
    values: ({ counters }) =>
      byLabel('type', { opened: counters.relayedConnections, closed: counters.circuitDurations.count })
  },
  {
    name: `${PREFIX}_connection_request_response_status_total`,
    type: 'counter',
    help: 'Answered CONNECT requests; a target that could not be reached is an error',
    labels: STATUS_LABEL,
    values: figures => byLabel('status', answersOf(figures, 'connect'))
  },
  {
    name: `${PREFIX}_connection_rejections_total`,
    type: 'counter',
    help: 'Rejected CONNECT requests by wire status',
    labels: { reason: REASONS.connect.join(', ') },
    values: figures => byLabel('reason', rejectionsOf(figures, 'connect'))
  },
  {
    name: `${PREFIX}_connection_duration_seconds`,
    type: 'histogram',
    help: 'How long circuits lasted that have ended',
    bounds: DURATION_BOUNDS,
    durations: ({ counters }) => counters.circuitDurations
  },
  {
    name: `${PREFIX}_data_transferred_bytes_total`,
    type: 'counter',
    help: 'Bytes relayed, both directions together, each byte once',
    values: ({ counters }) => one(counters.bytesToTarget + counters.bytesToSource)
  }
]

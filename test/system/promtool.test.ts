import { execFileSync, spawnSync } from 'node:child_process'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import { createCounters } from '../../app/main/observe/counters.ts'
import { createMetrics, type Metrics } from '../../app/main/observe/metrics.ts'
import { Rates } from '../../app/main/observe/rates.ts'
import { REFUSALS } from '../../app/main/relay/circuit/admission.ts'
import type { MetricInfo } from '../../app/shared/api.ts'
import { connect, createListener, createPlainClient, dialThrough, exchange } from '../support/clients.ts'
import { findProgram, missing } from '../support/needs.ts'
import { eventsOf, startRelay, type TestRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'
import { noBudget } from '../support/budget.ts'

const MiB = 1024 * 1024
const promtool = findProgram('promtool') ?? ''

describe.skipIf(missing('promtool (Debian: prometheus)', promtool !== ''))(
  'the metrics of a relay at work',
  () => {
    it('pass promtool without complaint, and say what its clients did', async () => {
      await using relay = await startRelay()
      using metrics = metricsOf(relay)
      const address = relay.address('tcp')
      await using listener = await createListener(address)
      await using dialer = await createPlainClient()
      await using stranger = await createPlainClient()

      const stream = await dialThrough(dialer, address, listener)
      expect(await exchange(stream, 4 * MiB)).toBe(true)
      const refused = await connect(await dialer.dial(multiaddr(address)), stranger)
      expect(refused.status).toBe(204)
      const running = await figuresOf(metrics)
      await dialer.stop()
      await until('the circuit has ended', () => eventsOf(relay, 'circuit-closed').length === 1)
      const ended = await figuresOf(metrics)

      expect(
        spawnSync(promtool, ['check', 'metrics'], { input: await metrics.text(), encoding: 'utf8' })
      ).toMatchObject({ status: 0, stdout: '', stderr: '' })
      expect(running).toMatchObject({
        'waystation_connections{transport=tcp}': 2,
        waystation_connected_peers: 2,
        waystation_reservations: 1,
        waystation_circuits: 1,
        libp2p_relaysvc_status: 1,
        'libp2p_relaysvc_reservations_total{type=opened}': 1,
        'libp2p_relaysvc_connections_total{type=opened}': 1,
        'libp2p_relaysvc_connections_total{type=closed}': 0,
        'libp2p_relaysvc_connection_request_response_status_total{status=ok}': 1,
        'libp2p_relaysvc_connection_rejections_total{reason=no reservation}': 1,
        'waystation_refusals_total{request=connect,reason=no-reservation}': 1,
        waystation_peers_served_total: 2,
        waystation_relayed_connections_total: 1
      })
      expect(ended).toMatchObject({
        'libp2p_relaysvc_connections_total{type=closed}': 1,
        libp2p_relaysvc_connection_duration_seconds_count: 1,
        waystation_circuits: 0
      })
      // The payload, and around it the handshake and the frames of the connection through the relay.
      for (const direction of ['to-target', 'to-source']) {
        const bytes = ended[`waystation_relayed_bytes_total{direction=${direction}}`] ?? NaN
        expect(bytes).toBeGreaterThan(4 * MiB)
        expect(bytes).toBeLessThan(4.1 * MiB)
      }
      const [closed] = eventsOf(relay, 'circuit-closed')
      expect(ended['libp2p_relaysvc_data_transferred_bytes_total']).toBe(
        (closed?.bytesToTarget ?? NaN) + (closed?.bytesToSource ?? NaN)
      )
      expect(ended['libp2p_relaysvc_connection_duration_seconds_sum']).toBe(closed?.seconds)
      expect(await metrics.text()).not.toMatch(/12D3Koo|127\.0\.0\.1/)
    })

    it('would not pass if they were wrong', () => {
      const wrong = '# HELP relay_bytes_total Bytes\n# TYPE relay_bytes_total gauge\nrelay_bytes_total 1\n'
      expect(() => execFileSync(promtool, ['check', 'metrics'], { input: wrong, stdio: 'pipe' })).toThrow(
        /_total/
      )
    })
  }
)

/** Metrics of a relay that has just started. */
function metricsOf({ bus, node }: TestRelay): Metrics & Disposable {
  const counters = createCounters(bus)
  const rates = new Rates({ counters, clock: () => performance.now() })
  const metrics = createMetrics(
    {
      counters,
      rates,
      gauges: () => ({
        mode: 'open',
        reservations: { held: node.relay.reservations.size, limit: 0 },
        circuits: { running: node.relay.circuits.size, limit: 0 },
        connections: { peers: node.connectedPeers, byTransport: node.connectionsByTransport() },
        dhtPeers: node.dhtSize,
        traffic: { received: 0, sent: 0 },
        quota: { limitBytes: 0, usedBytes: 0 },
        networks: [],
        heldSeconds: noBudget.heldSeconds,
        historyWritable: false,
        addresses: { listening: node.addresses.listening.length },
        certificates: {}
      })
    },
    { version: '0.0.0', refusalReasons: REFUSALS }
  )
  return {
    ...metrics,
    [Symbol.dispose]: () => {
      metrics.close()
    }
  }
}

/** Values by `name{label=value,…}`. */
async function figuresOf(metrics: Metrics): Promise<Record<string, number>> {
  const nameOf = (metric: MetricInfo, { name, labels }: MetricInfo['values'][number]): string => {
    const inner = Object.entries(labels).map(([label, value]) => `${label}=${value}`)
    return (name ?? metric.name) + (inner.length > 0 ? `{${inner.join(',')}}` : '')
  }
  const values = (await metrics.json()).flatMap(metric =>
    metric.values.map(value => [nameOf(metric, value), value.value] as const)
  )
  return Object.fromEntries(values)
}

import type { Settings } from '../../shared/settings.ts'
import type { NodeBus } from './events.ts'
import type { Log } from './log.ts'

type Privacy = Pick<Settings, 'log.addresses' | 'log.peers'>

/**
 * Writes the node's events to the log. Addresses are left out unless `log.addresses` allows them; lines about
 * circuits carry the circuit's number, and name its two peers only if `log.peers` does.
 */
export function logEvents(bus: NodeBus, log: Log, privacy: () => Privacy): void {
  const address = (ip: string | undefined): { ip?: string } => (privacy()['log.addresses'] ? { ip } : {})
  const pair = (source: string, target: string): { source?: string; target?: string } =>
    privacy()['log.peers'] ? { source, target } : {}

  bus.on('reservation-accepted', ({ peer, ip, seconds }) =>
    log.info({ peer, ...address(ip), seconds }, 'reservation accepted')
  )
  bus.on('reservation-renewed', ({ peer, ip, seconds }) =>
    log.info({ peer, ...address(ip), seconds }, 'reservation renewed')
  )
  bus.on('reservation-expired', ({ peer }) => log.info({ peer }, 'reservation expired'))
  bus.on('reservation-ended', ({ peer, reason }) => log.info({ peer, reason }, 'reservation ended'))
  bus.on('circuit-accepted', ({ id, source, target }) =>
    log.info({ circuit: id, ...pair(source, target) }, 'circuit accepted')
  )
  bus.on('circuit-closed', ({ id, source, target, ...rest }) =>
    log.info({ circuit: id, ...pair(source, target), ...rest }, 'circuit closed')
  )
  bus.on('request-denied', ({ request, reason, status, peer, ip }) => {
    // A connect is about a circuit, so who asked for it is told under the same condition as who has one.
    const who = request === 'reserve' || privacy()['log.peers'] ? { peer } : {}
    log.info({ request, reason, status, ...who, ...address(ip) }, 'request denied')
  })
  bus.on('peer-connected', ({ peer }) => log.debug({ peer }, 'peer connected'))
  bus.on('peer-disconnected', ({ peer }) => log.debug({ peer }, 'peer disconnected'))
  bus.on('overload-changed', ({ now }) => {
    if (now === undefined) return log.info('new work is taken again')
    const { cause, eventLoopDelayMs, memoryBytes } = now
    log.warn({ cause, eventLoopDelayMs, memoryBytes }, 'overloaded: new work is refused until it recovers')
  })
  bus.on('mapping-changed', ({ state, code, gateway, ports }) => {
    const mapped = ports.filter(port => port.state === 'mapped').map(({ transport }) => transport)
    const level = state === 'failed' ? 'warn' : 'info'
    log[level]({ state, code, protocol: gateway?.protocol, mapped }, `port mapping ${state}`)
  })
  bus.on('auto-tls-changed', ({ state, code, detail, validTo, retryAt }) => {
    const level = state === 'failed' ? 'warn' : 'info'
    // What a stranger said may name addresses.
    const said = privacy()['log.addresses'] ? { detail } : {}
    log[level]({ state, code, ...said, validTo, retryAt }, `certificate of ws.autoTls ${state}`)
  })
  bus.on('address-changed', ({ address, transport, public: isPublic, state, cause }) => {
    const where = privacy()['log.addresses'] ? { address } : {}
    // Those of the own network change nothing for anyone outside.
    log[isPublic ? 'info' : 'debug']({ transport, state, ...where, cause }, `address ${state}`)
  })
}

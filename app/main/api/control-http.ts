import type { Server } from 'node:http'
import { isIPv6 } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import { systemCode } from '../../shared/errors.ts'
import { isLoopbackHost } from '../../shared/values.ts'
import { bindError, type BindErrorOptions } from '../net/bind-error.ts'
import { bindAll, closeServer, serverFactory, SOCKET_LIMITS, urlOf } from '../net/http-sockets.ts'
import { createControlApp, type ControlComponents } from './control-app.ts'
import {
  CertificateFiles,
  loadCertificate,
  type CertificatePaths,
  type LoadedCertificate
} from '../net/tls/certificate-files.ts'
import { isNamedBy } from '../net/tls/certificates.ts'
import { CONTROL_FILES, linkHost } from './control-tls.ts'
import { builtRenderer } from './dashboard/files.ts'

export interface ControlHttpComponents extends Omit<ControlComponents, 'log'> {
  log: {
    error(values: object, message: string): void
    warn(message: string): void
    info(message: string): void
  }
}

export interface ControlHttpOptions {
  /** IP address; one that other machines reach needs `tls`. */
  host: string
  /** TCP port; 0: any free one. */
  port: number
  tls?: CertificatePaths
  /** A certificate was renewed: its SHA-256 fingerprint. */
  onRenewed?: (fingerprint: string) => void
  /** Unless given: that of this build. */
  rendererDir?: string
  /** How often the certificate's files are looked at. */
  renewalMs?: number
}

export interface ControlHttp {
  /** `http://127.0.0.1:4010`, by which this machine reaches it. */
  url: string
  /** SHA-256 of the certificate, if it speaks TLS: `AB:CD:…` */
  fingerprint: string | undefined
  stop(): Promise<void>
}

const STOP_GRACE_MS = 300
const RENEWAL_MS = 60_000
/** Every port of this machine's that a browser was to leaves its cookies in the header. */
const MOST_HEADER_BYTES = 32 * 1024
const UNSPECIFIED: Record<string, string> = { '0.0.0.0': '127.0.0.1', '[::]': '[::1]' }

/**
 * Opens the control API and the dashboard (control-app.ts) on one address, by TLS if there is a certificate.
 * @throws AppError port-in-use, port-forbidden, address-unusable, bad-setting (the certificate)
 */
export async function startControlHttp(
  components: ControlHttpComponents,
  options: ControlHttpOptions
): Promise<ControlHttp> {
  const { host, port, tls, rendererDir = builtRenderer() } = options
  let certificate = tls === undefined ? undefined : await loadCertificate(tls, CONTROL_FILES)
  const bound = canonicalHost(host)
  let url = ''
  const scheme = tls === undefined ? 'http' : 'https'
  const isOurs = (name: string): boolean =>
    name === bound || (certificate !== undefined && isNamedBy(certificate.x509, name))
  const linkOrigin = (): string =>
    certificate === undefined ? url : `https://${linkHost(certificate.x509, bound)}:${new URL(url).port}`
  const app = await createControlApp(components, {
    origins: { scheme, isOurs },
    rendererDir,
    isHttps: scheme === 'https',
    linkOrigin
  })
  const limits = {
    ...SOCKET_LIMITS,
    maxHeaderBytes: MOST_HEADER_BYTES,
    // On this machine all clients have one address.
    ...(isLoopbackHost(host) && { maxConnectionsPerIpGroup: SOCKET_LIMITS.maxConnections })
  }
  const open = serverFactory((request, response) => app.routing(request, response), limits, {
    tls: certificate
  })
  try {
    const servers = await bind(host, port, open)
    url = `${scheme}://${reachableHost(servers[0])}`
    const unwatch = watch()
    return {
      url,
      get fingerprint() {
        return certificate?.x509.fingerprint256
      },
      async stop() {
        unwatch()
        await Promise.all(servers.map(each => closeServer(each, STOP_GRACE_MS)))
        await app.close()
      }
    }

    function watch(): () => void {
      if (tls === undefined || certificate === undefined) return () => {}
      const { log } = components
      const use = (next: LoadedCertificate): void => {
        certificate = next
        const { cert, key } = next
        for (const each of servers) if (each instanceof TlsServer) each.setSecureContext({ cert, key })
        log.info('the dashboard has a new certificate')
        options.onRenewed?.(next.x509.fingerprint256)
      }
      const warn = (sentence: string): void =>
        log.warn(`The certificate of the dashboard was not renewed: ${sentence}`)
      const files = new CertificateFiles(
        { use, warn },
        { paths: tls, settings: CONTROL_FILES, everyMs: options.renewalMs ?? RENEWAL_MS }
      )
      void files.start(certificate)
      return () => files.stop()
    }
  } catch (error) {
    await app.close()
    throw bindError(error, openedAs(error, host, port))
  }
}

function openedAs(error: unknown, host: string, port: number): BindErrorOptions {
  const what = `TCP port ${port} of the control API (control.port)`
  const without = 'or go without by --no-control-enabled'
  if (systemCode(error) === 'EADDRNOTAVAIL') {
    const remedy = `set control.host to one that it has (--control-host IP), ${without}`
    return { what: `${what} on ${host} (control.host)`, remedy, details: { setting: 'control.host', port } }
  }
  const remedy = `choose another port with --control-port N (0: any free one), ${without}`
  return { what, remedy, details: { setting: 'control.port', port } }
}

async function bind(host: string, port: number, open: () => Server): Promise<Server[]> {
  // All addresses of this machine are those of both families.
  const hosts = canonicalHost(host) === '[::]' ? ['::', '0.0.0.0'] : [host]
  const { servers, unbound } = await bindAll(hosts, port, open)
  if (servers.length === 0) throw unbound[0]?.error
  return servers
}

/** As a URL has it: lower case, shortest form, IPv6 in brackets. */
function canonicalHost(ip: string): string {
  return new URL(`http://${isIPv6(ip) ? `[${ip}]` : ip}`).hostname
}

function reachableHost(server: Server | undefined): string {
  const { hostname, port } = new URL(server === undefined ? 'http://127.0.0.1' : urlOf(server))
  return `${UNSPECIFIED[hostname] ?? hostname}:${port}`
}

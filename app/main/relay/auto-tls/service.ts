import type { ComponentLogger, NodeInfo, PeerId, PrivateKey, Startable } from '@libp2p/interface'
import type { AddressManager } from '@libp2p/interface-internal'
import type { AutoTlsInfo } from '../../../shared/api.ts'
import type { Settings } from '../../../shared/settings.ts'
import { ipOfAddress, isPublicAddress, transportOf } from '../addresses.ts'
import { AutoTls } from './auto-tls.ts'
import { AutoTlsFiles, type Pem } from './files.ts'
import { domainOf } from './names.ts'
import { orderCertificate } from './order.ts'

export interface AutoTlsServiceComponents {
  peerId: PeerId
  privateKey: PrivateKey
  nodeInfo: NodeInfo
  logger: ComponentLogger
  addressManager: AddressManager
}

export interface AutoTlsServiceOptions {
  settings: Pick<Settings, 'autoTls.domain' | 'autoTls.forge' | 'autoTls.acme'>
  dataDir: string
  use: (pem: Pem | undefined) => void
  changed: (info: AutoTlsInfo) => void
}

/** What the forge dials back to; not what the certificate is for. */
const DIALLED = new Set(['tcp', 'ws', 'quic-v1'])

/** AutoTls as a service of libp2p. */
export class AutoTlsService implements Startable {
  readonly #autoTls: AutoTls

  constructor(
    { peerId, privateKey, nodeInfo, logger, addressManager }: AutoTlsServiceComponents,
    { settings, dataDir, use, changed }: AutoTlsServiceOptions
  ) {
    const files = new AutoTlsFiles(dataDir)
    const domain = settings['autoTls.domain']
    const places = { domain, forge: settings['autoTls.forge'], acme: settings['autoTls.acme'] }
    this.#autoTls = new AutoTls(
      {
        files,
        order: order =>
          orderCertificate({ peerId, privateKey, nodeInfo, logger, files }, { ...places, ...order }),
        // These are those that the node announces: reach/ has let no other public one through.
        addresses: () =>
          addressManager
            .getAddresses()
            .filter(
              address =>
                ipOfAddress(address) !== undefined &&
                isPublicAddress(address) &&
                DIALLED.has(transportOf(address))
            ),
        use,
        changed
      },
      { domain: domainOf(peerId, domain) }
    )
  }

  start(): void {}

  /** Where the node listens is known by then. */
  afterStart(): Promise<void> {
    return this.#autoTls.start()
  }

  stop(): void {
    this.#autoTls.stop()
  }

  get info(): AutoTlsInfo {
    return this.#autoTls.info
  }

  /** The domain that names are served under now; undefined without a certificate. */
  get domain(): string | undefined {
    return this.#autoTls.domain
  }
}

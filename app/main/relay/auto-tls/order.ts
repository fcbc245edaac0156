import { createPrivateKey } from 'node:crypto'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import type {
  ComponentLogger,
  Libp2pEvents,
  Logger,
  NodeInfo,
  PeerId,
  PrivateKey,
  RSAPrivateKey
} from '@libp2p/interface'
import { NotFoundError, TypedEventEmitter } from '@libp2p/interface'
import type { AutoTLSComponents } from '@ipshipyard/libp2p-auto-tls'
import type { Multiaddr } from '@multiformats/multiaddr'
import { messageOf } from '../../../shared/errors.ts'
import { watchAcme } from './acme-answers.ts'
import { AutoTlsError } from './failures.ts'
import type { AutoTlsFiles, Pem } from './files.ts'
import { ForgeHttp } from './forge-http.ts'

export interface OrderComponents {
  peerId: PeerId
  privateKey: PrivateKey
  nodeInfo: NodeInfo
  logger: ComponentLogger
  files: AutoTlsFiles
}

export interface OrderOptions {
  forge: string
  domain: string
  acme: string
  /** Where the forge may dial back. */
  addresses: readonly Multiaddr[]
  signal: AbortSignal
  /** The forge has taken the name: what follows is between us and the certificate authority. */
  registered: () => void
}

const ACCOUNT_KEY = 'account'
const CERTIFICATE_KEY = 'certificate'
/** It waits that long for more addresses, of which it is given all at once. */
const AT_ONCE_MS = 0

/**
 * One certificate, by @ipshipyard/libp2p-auto-tls. That is a service that begins by itself and, when something fails,
 * tries again every 5 s for ever, which uses up what the certificate authority allows in an hour; what failed it only
 * logs. So each attempt is a service of its own, in a world of its own: it sees the addresses that we give it, and is
 * ended by its first failure.
 * @throws AutoTlsError
 */
export async function orderCertificate(
  { peerId, privateKey, nodeInfo, logger, files }: OrderComponents,
  { forge, domain, acme, addresses, signal, registered }: OrderOptions
): Promise<Pem> {
  const { autoTLS } = await import('@ipshipyard/libp2p-auto-tls')
  // The node may have stopped while that was loaded, and nobody would say so again.
  if (signal.aborted) throw new AutoTlsError('no-answer')
  const { promise, resolve, reject } = Promise.withResolvers<Pem>()
  // It may fail before somebody waits for it.
  promise.catch(() => {})
  const events = new TypedEventEmitter<Libp2pEvents>()
  const fail = (error: AutoTlsError): void => reject(error)
  const components = {
    peerId,
    privateKey,
    nodeInfo,
    events,
    logger: listening(logger, error => fail(new AutoTlsError('acme-failed', messageOf(error)))),
    addressManager: { getAddresses: () => [...addresses], getAddressesWithMetadata: () => [] },
    keychain: keysOf(files, error => fail(new AutoTlsError('disk', messageOf(error)))),
    // Each order is to bring a new one.
    datastore: {
      get: () => Promise.reject(new NotFoundError('There is none')),
      put: (key: unknown) => Promise.resolve(key)
    },
    http: new ForgeHttp({ privateKey, registered, failed: fail })
  } as unknown as AutoTLSComponents
  const service = autoTLS({
    forgeEndpoint: forge,
    forgeDomain: domain,
    acmeDirectory: acme,
    provisionDelay: AT_ONCE_MS,
    renewThreshold: 0,
    accountPrivateKeyName: ACCOUNT_KEY,
    certificatePrivateKeyName: CERTIFICATE_KEY
  })(components) as unknown as { start(): Promise<void>; stop(): Promise<void> }
  events.addEventListener('certificate:provision', ({ detail: { key, cert } }) => resolve({ key, cert }))
  const onAbort = (): void => fail(new AutoTlsError('no-answer'))
  signal.addEventListener('abort', onAbort)
  const unwatch = watchAcme(acme, fail)
  try {
    await service.start()
    events.safeDispatchEvent('self:peer:update', {
      detail: { peer: { id: peerId, addresses: [], protocols: [], metadata: new Map(), tags: new Map() } }
    })
    return await promise
  } finally {
    signal.removeEventListener('abort', onAbort)
    unwatch()
    await service.stop()
  }
}

type Keychain = Pick<AutoTLSComponents['keychain'], 'exportKey' | 'importKey'>

/** The account's key is kept, and that of a certificate is a new one each time. */
function keysOf(files: AutoTlsFiles, unusable: (error: unknown) => void): Keychain {
  const made = new Map<string, RSAPrivateKey>()
  return {
    async exportKey(name) {
      const key = made.get(name) ?? (name === ACCOUNT_KEY ? await stored() : undefined)
      if (key === undefined) throw new NotFoundError(`There is no key ${name}`)
      return key
    },
    async importKey(name, key) {
      if (key.type !== 'RSA') throw new Error('only RSA keys are expected here')
      made.set(name, key)
      if (name === ACCOUNT_KEY) {
        const der = { key: Buffer.from(key.raw), format: 'der', type: 'pkcs1' } as const
        await files.keepAccountKey(createPrivateKey(der)).catch(unusable)
      }
      return { id: name, name }
    }
  }

  async function stored(): Promise<RSAPrivateKey | undefined> {
    try {
      return await storedKey(files)
    } catch (error) {
      unusable(error)
      throw error
    }
  }
}

async function storedKey(files: AutoTlsFiles): Promise<RSAPrivateKey | undefined> {
  const key = await files.accountKey()
  if (key?.asymmetricKeyType !== 'rsa') return undefined
  const raw = privateKeyFromRaw(key.export({ format: 'der', type: 'pkcs1' }))
  return raw.type === 'RSA' ? raw : undefined
}

/** Errors go nowhere but to the log there: the only place to learn of them. */
function listening(inner: ComponentLogger, failed: (error: unknown) => void): ComponentLogger {
  return {
    forComponent: name => {
      const log = inner.forComponent(name)
      const error = (format: unknown, ...args: unknown[]): void => {
        log.error(format, ...args)
        if (String(format).startsWith('provisioning certificate failed')) failed(args.at(-1))
      }
      const told = (format: unknown, ...args: unknown[]): void => log(format, ...args)
      return Object.assign(told, { ...log, error }) as Logger
    }
  }
}

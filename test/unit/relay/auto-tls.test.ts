import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { AutoTls, type Order } from '../../../app/main/relay/auto-tls/auto-tls.ts'
import { AutoTlsError, type AutoTlsCode } from '../../../app/main/relay/auto-tls/failures.ts'
import { AutoTlsFiles, type Held, type Pem } from '../../../app/main/relay/auto-tls/files.ts'
import { domainOf, named, nameOf } from '../../../app/main/relay/auto-tls/names.ts'
import type { AutoTlsInfo } from '../../../app/shared/api.ts'

const PEER = peerIdFromString('12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5')
const DOMAIN = domainOf(PEER, 'forge.example')
const TCP = multiaddr('/ip4/203.0.114.7/tcp/4001')
const MINUTE = 60_000
const DAY = 24 * 3_600_000

describe('the name of an address', () => {
  it('is below the base36 form of the peer id, which fits into one label', () => {
    expect(DOMAIN).toMatch(/^k51[a-z0-9]{59}\.forge\.example$/)
    expect(DOMAIN.split('.')[0]?.length).toBeLessThanOrEqual(63)
  })

  it.each([
    ['203.0.114.7', '203-0-114-7.d'],
    ['2001:db8::1', '2001-db8--1.d'],
    ['::1', '0--1.d'],
    ['2a00:1::', '2a00-1--0.d']
  ])('for %s is %s', (ip, name) => {
    expect(nameOf(ip, 'd')).toBe(name)
  })

  const through = (address: string, domain: string | undefined = 'd'): (string | undefined)[] => {
    const { address: told, ask } = named(multiaddr(address), domain)
    return [told.toString(), ask?.toString()]
  }

  it('takes the place of a public IP address of secure WebSocket, which is still what is asked about', () => {
    expect(through('/ip4/203.0.114.7/tcp/443/tls/ws')).toEqual([
      '/dns4/203-0-114-7.d/tcp/443/tls/ws',
      '/ip4/203.0.114.7/tcp/443/tls/sni/203-0-114-7.d/ws'
    ])
    expect(through('/ip6/2a00:1::7/tcp/8443/tls/ws')).toEqual([
      '/dns6/2a00-1--7.d/tcp/8443/tls/ws',
      '/ip6/2a00:1::7/tcp/8443/tls/sni/2a00-1--7.d/ws'
    ])
  })

  it.each([
    '/ip4/203.0.114.7/tcp/4001',
    '/ip4/203.0.114.7/tcp/4003/ws',
    '/ip4/192.168.1.5/tcp/443/tls/ws',
    '/dns4/relay.example/tcp/443/tls/ws'
  ])('leaves %s alone', address => {
    expect(through(address)).toEqual([address, undefined])
  })

  it('is not given without a certificate', () => {
    const address = '/ip4/203.0.114.7/tcp/443/tls/ws'
    expect(named(multiaddr(address), undefined).address.toString()).toBe(address)
  })
})

describe('the certificate of ws.autoTls', () => {
  let dir = ''
  /** Good for 90 days from when the tests began. */
  let fresh: Pem = { cert: '', key: '' }
  let other: Pem = { cert: '', key: '' }
  let seen: AutoTlsInfo[] = []
  let used: (Pem | undefined)[] = []
  let addresses = [TCP]
  let orders: { order: Order; resolve: (pem: Pem) => void; reject: (error: Error) => void }[] = []
  const made: AutoTls[] = []

  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'waystation-test-'))
    fresh = await certificate(dir, `*.${DOMAIN}`)
    other = await certificate(dir, '*.elsewhere.example')
  })
  afterAll(() => rm(dir, { recursive: true, force: true }))
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    ;[seen, used, orders, addresses] = [[], [], [], [TCP]]
  })
  afterEach(() => {
    for (const autoTls of made.splice(0)) autoTls.stop()
    vi.useRealTimers()
  })

  const noFiles = {
    certificate: (): Promise<Held | undefined> => Promise.resolve(undefined),
    keepCertificate: (): Promise<void> => Promise.resolve()
  }
  const create = (files: Pick<AutoTlsFiles, 'certificate' | 'keepCertificate'> = noFiles): AutoTls => {
    const autoTls = new AutoTls(
      {
        files,
        order: order => {
          const { promise, resolve, reject } = Promise.withResolvers<Pem>()
          orders.push({ order, resolve, reject })
          return promise
        },
        addresses: () => addresses,
        use: pem => used.push(pem),
        changed: info => seen.push(info)
      },
      { domain: DOMAIN }
    )
    made.push(autoTls)
    return autoTls
  }
  const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)
  const answer = async (at: number, with_: Pem | AutoTlsCode): Promise<void> => {
    if (typeof with_ === 'string') orders[at]?.reject(new AutoTlsError(with_, 'so it is'))
    else orders[at]?.resolve(with_)
    await pass(0)
  }
  const retryMs = (autoTls: AutoTls): number => Date.parse(autoTls.info.retryAt ?? '') - Date.now()

  it('waits for an address, registers, asks and holds', async () => {
    addresses = []
    const autoTls = create()
    await autoTls.start()
    await pass(MINUTE)
    expect(orders).toEqual([])
    expect(autoTls.info).toMatchObject({ state: 'waiting', name: `*.${DOMAIN}` })
    expect(autoTls.domain).toBeUndefined()

    addresses = [TCP]
    await pass(5_000)
    expect(orders.map(({ order }) => order.addresses.map(String))).toEqual([[TCP.toString()]])
    orders[0]?.order.registered()
    await answer(0, fresh)

    expect(seen.map(({ state }) => state)).toEqual(['waiting', 'registering', 'requesting', 'held'])
    expect(used).toEqual([fresh])
    expect(autoTls.domain).toBe(DOMAIN)
    expect(Date.parse(autoTls.info.validTo ?? '') - Date.now()).toBeGreaterThan(89 * DAY)
  })

  it('is tried again later and later, up to twice a day, and soon again after one success', async () => {
    const autoTls = create()
    await autoTls.start()
    const waits: number[] = []
    for (let at = 0; at < 9; at++) {
      await answer(at, 'acme-failed')
      expect(autoTls.info).toMatchObject({ state: 'failed', code: 'acme-failed', detail: 'so it is' })
      waits.push(retryMs(autoTls) / MINUTE)
      await pass(retryMs(autoTls) - 6_000)
      expect(orders).toHaveLength(at + 1)
      await pass(6_000)
      expect(orders).toHaveLength(at + 2)
    }
    for (const [at, wait] of waits.entries()) {
      const middle = Math.min(5 * 2 ** at, 12 * 60)
      expect(wait).toBeGreaterThanOrEqual(middle * 0.9)
      expect(wait).toBeLessThanOrEqual(middle * 1.1)
    }
    await answer(9, fresh)
    expect(autoTls.info.state).toBe('held')
    await pass(60 * DAY)
    await answer(10, 'acme-failed')
    expect(retryMs(autoTls)).toBeLessThanOrEqual(5.5 * MINUTE)
  })

  it('is tried before the time with other addresses, but not more than once a minute', async () => {
    const autoTls = create()
    await autoTls.start()
    await answer(0, 'forge-refused')
    addresses = [TCP, multiaddr('/ip4/203.0.114.7/tcp/4003/ws')]
    await pass(50_000)
    expect(orders).toHaveLength(1)
    await pass(10_000)
    expect(orders).toHaveLength(2)
    await answer(1, 'forge-refused')
    await pass(4 * MINUTE)
    expect(orders).toHaveLength(2)
    expect(retryMs(autoTls)).toBeGreaterThan(4 * MINUTE)
  })

  it('that is kept is used at once, and renewed after two thirds of its life, while it stays in use', async () => {
    const files = await kept(fresh)
    const autoTls = create(files)
    await autoTls.start()
    expect(used).toEqual([fresh])
    expect(autoTls.info.state).toBe('held')
    await pass(59.9 * DAY)
    expect(orders).toEqual([])
    await pass(0.2 * DAY)
    expect(orders).toHaveLength(1)
    await answer(0, 'forge-unreachable')
    expect(autoTls.info).toMatchObject({ state: 'failed', code: 'forge-unreachable' })
    expect(autoTls.info.validTo).toBeDefined()
    expect(autoTls.domain).toBe(DOMAIN)
    expect(used).toHaveLength(1)
  })

  it('that runs out is used no longer', async () => {
    const autoTls = create(await kept(fresh))
    await autoTls.start()
    await pass(60 * DAY)
    await answer(0, 'forge-unreachable')
    vi.setSystemTime(Date.now() + 31 * DAY)
    await pass(MINUTE)
    expect(used).toEqual([fresh, undefined])
    expect(autoTls.domain).toBeUndefined()
    expect(autoTls.info.validTo).toBeUndefined()
  })

  it('for another name, or with another key, is not used', async () => {
    const autoTls = create()
    await autoTls.start()
    await answer(0, other)
    expect(autoTls.info).toMatchObject({ state: 'failed', code: 'unusable' })
    await pass(retryMs(autoTls))
    await answer(1, { cert: fresh.cert, key: other.key })
    expect(autoTls.info).toMatchObject({ state: 'failed', code: 'unusable' })
    expect(used).toEqual([])
  })

  it('that is old already by the clock of this machine is used while it is good, and the next waits its time', async () => {
    const real = Date.now()
    const autoTls = create()
    await autoTls.start()
    vi.setSystemTime(real + 70 * DAY)
    await answer(0, fresh)
    expect(used).toEqual([fresh])
    expect(autoTls.info).toMatchObject({ state: 'failed', code: 'clock' })
    expect(orders).toHaveLength(1)
    vi.setSystemTime(real + 91 * DAY)
    await pass(20 * MINUTE)
    expect(used).toEqual([fresh, undefined])
    await answer(1, fresh)
    expect(used).toHaveLength(2)
    expect(autoTls.info).toMatchObject({ state: 'failed', code: 'clock' })
    expect(orders).toHaveLength(2)
    expect(retryMs(autoTls)).toBeGreaterThan(8 * MINUTE)
  })

  it('that comes after the stop is not used', async () => {
    const autoTls = create()
    await autoTls.start()
    autoTls.stop()
    await answer(0, fresh)
    expect(used).toEqual([])
  })

  it('that cannot be written is used all the same, and says so', async () => {
    const full = { ...noFiles, keepCertificate: () => Promise.reject(new Error('ENOSPC: no space left')) }
    const autoTls = create(full)
    await autoTls.start()
    await answer(0, fresh)
    expect(used).toEqual([fresh])
    expect(autoTls.info).toMatchObject({ state: 'held', code: 'disk', detail: 'ENOSPC: no space left' })
  })

  it('does not come any more once it was stopped', async () => {
    const autoTls = create()
    await autoTls.start()
    autoTls.stop()
    expect(orders[0]?.order.signal.aborted).toBe(true)
    await answer(0, 'no-answer')
    await pass(DAY)
    expect(orders).toHaveLength(1)
    expect(autoTls.info.state).toBe('registering')
  })

  it('lies in one file with its key, which only its owner may read', async () => {
    const files = await kept(fresh)
    expect(await files.certificate(DOMAIN)).toMatchObject(fresh)
    expect(await files.certificate('elsewhere.example')).toBeUndefined()
    const file = path.join(dir, 'auto-tls', 'certificate.pem')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(path.dirname(file))).mode & 0o777).toBe(0o700)
  })

  it('of which half was damaged is asked for anew', async () => {
    const files = await kept(fresh)
    const file = path.join(dir, 'auto-tls', 'certificate.pem')
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.slice(0, text.length / 2))
    expect(await files.certificate(DOMAIN)).toBeUndefined()
    await writeFile(file, '')
    expect(await files.certificate(DOMAIN)).toBeUndefined()
  })

  const kept = async (pem: Pem): Promise<AutoTlsFiles> => {
    const files = new AutoTlsFiles(dir)
    await files.keepCertificate(pem)
    return files
  }
})

it('what others say of a failure is one short line without characters that move a cursor', () => {
  const { message, said } = new AutoTlsError(
    'forge-refused',
    `no\u001b[2J\n\u202eway\u2028${'x'.repeat(1000)}`
  )
  expect(said).toMatch(/^no \[2J way x+$/)
  expect(said.length).toBeLessThanOrEqual(300)
  expect(message).toContain(`(${said})`)
})

const execute = promisify(execFile)

async function certificate(dir: string, name: string): Promise<Pem> {
  const [cert, key] = [path.join(dir, 'c.pem'), path.join(dir, 'k.pem')]
  const about = ['-subj', '/CN=waystation test', '-days', '90', '-addext', `subjectAltName=DNS:${name}`]
  const how = ['-newkey', 'rsa:2048', '-nodes', '-keyout', key]
  await execute('openssl', ['req', '-x509', ...how, ...about, '-out', cert])
  return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') }
}

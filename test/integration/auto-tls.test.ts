import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { once } from 'node:events'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AutoTlsError } from '../../app/main/relay/auto-tls/failures.ts'
import { AutoTlsFiles } from '../../app/main/relay/auto-tls/files.ts'
import { ForgeHttp } from '../../app/main/relay/auto-tls/forge-http.ts'
import { orderCertificate } from '../../app/main/relay/auto-tls/order.ts'

const privateKey = await generateKeyPair('Ed25519')

/** As @libp2p/http's of peer ids: it asks for a challenge before the request. */
const handshake = (({ http }: { http: ForgeHttp }) => ({
  prepareRequest: async (url: URL) => {
    const answer = await http.fetch(url, { method: 'OPTIONS' })
    if (!answer.headers.has('www-authenticate')) throw new Error('there is no challenge')
  }
})) as never

describe('what the forge says in the place of taking a name', () => {
  it.each<[string, RequestListener, Partial<AutoTlsError>]>([
    [
      'a refusal',
      (_, to) => to.writeHead(400).end('no way'),
      { code: 'forge-refused', said: 'HTTP 400: no way' }
    ],
    ['an error without an end', (_, to) => endless(to.writeHead(500)), { code: 'forge-failed' }],
    [
      'that there are too many',
      (_, to) => to.writeHead(429, { 'retry-after': '60' }).end('later'),
      { code: 'forge-failed', said: 'HTTP 429: later', retryAfterMs: 60_000 }
    ],
    ['nonsense', (_, to) => to.end('\u0000nonsense'), { code: 'forge-failed' }],
    ['nothing', from => from.socket.destroy(), { code: 'forge-unreachable' }]
  ])('%s, is told', async (_, answer, told) => {
    await using forge = await serve(answer)
    const failures: AutoTlsError[] = []
    const http = new ForgeHttp({ privateKey, registered: () => {}, failed: error => failures.push(error) })
    await expect(
      http.fetch(forge.url, { method: 'POST', body: '{}', middleware: [handshake] })
    ).rejects.toThrow()
    expect(failures).toHaveLength(1)
    expect(failures[0]).toMatchObject(told)
    expect(failures[0]?.said.length).toBeLessThanOrEqual(300)
  })
})

describe('an order of a certificate', () => {
  let root = ''
  beforeAll(async () => void (root = await mkdtemp(path.join(tmpdir(), 'waystation-test-'))))
  afterAll(() => rm(root, { recursive: true, force: true }))

  const order = (acme: string, signal = new AbortController().signal, dir = root): Promise<unknown> =>
    orderCertificate(
      {
        privateKey,
        peerId: peerIdFromPrivateKey(privateKey),
        nodeInfo: { name: 'test', version: '0', userAgent: 'test' },
        logger: defaultLogger(),
        files: new AutoTlsFiles(dir)
      },
      {
        acme,
        forge: 'http://127.0.0.1:9',
        domain: 'forge.example',
        addresses: [multiaddr('/ip4/198.41.30.4/tcp/4001')],
        signal,
        registered: () => {}
      }
    )

  it('fails at once where the authority cannot be reached, and says why', async () => {
    const gone = await serve(() => {})
    await gone[Symbol.asyncDispose]()
    await expect(order(gone.url)).rejects.toMatchObject({ code: 'acme-unreachable', said: 'ECONNREFUSED' })
  })

  it('fails at once where the authority wants to be left alone, and says for how long', async () => {
    await using acme = await serve((_, to) => to.writeHead(429, { 'retry-after': '3600' }).end())
    await expect(order(acme.url)).rejects.toMatchObject({
      code: 'acme-failed',
      said: 'HTTP 429 at /directory',
      retryAfterMs: 3_600_000
    })
  })

  it('that was ended before it began asks nobody', async () => {
    let asked = 0
    await using acme = await serve((_, to) => {
      asked++
      to.writeHead(503).end()
    })
    await expect(order(acme.url, AbortSignal.abort())).rejects.toMatchObject({ code: 'no-answer' })
    expect(asked).toBe(0)
  })

  it('says that its key cannot be read', async () => {
    const dir = path.join(root, 'other')
    await mkdir(path.join(dir, 'auto-tls/account.pem'), { recursive: true })
    await expect(order('http://127.0.0.1:9/directory', undefined, dir)).rejects.toMatchObject({
      code: 'disk'
    })
  })
})

function endless(to: ServerResponse): void {
  const write = (): void => void (to.writable && to.write('x'.repeat(65_536), () => setImmediate(write)))
  write()
}

async function serve(answer: RequestListener): Promise<{ url: string } & AsyncDisposable> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/directory`
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  return { url, [Symbol.asyncDispose]: close }
}

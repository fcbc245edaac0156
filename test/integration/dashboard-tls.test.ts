import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import { connect } from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectControl } from '../../app/main/control-folder.ts'
import { createApp } from '../support/app.ts'
import { makeCertificate, type TestCertificate } from '../support/certificate.ts'
import { Command, startNode, temporaryFolder } from '../support/command.ts'
import { postJson, send, startDashboard } from '../support/dashboard.ts'
import { findProgram, missing } from '../support/needs.ts'
import { until } from '../support/until.ts'

describe.skipIf(missing('openssl', findProgram('openssl') !== undefined))('the dashboard by TLS', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let certificate: TestCertificate
  let other: TestCertificate
  beforeAll(async () => {
    folder = await temporaryFolder()
    certificate = await makeCertificate(path.join(folder.dir, 'one'), [
      'DNS:relay.example',
      'DNS:*.relay.example'
    ])
    other = await makeCertificate(path.join(folder.dir, 'other'), ['DNS:other.example', 'IP:127.0.0.1'])
  })
  afterAll(() => folder[Symbol.asyncDispose]())

  /** Files that a test may change. */
  async function copyOf({ files }: TestCertificate, name: string): Promise<TestCertificate['files']> {
    const copy = {
      certificate: path.join(folder.dir, `${name}.crt`),
      key: path.join(folder.dir, `${name}.key`)
    }
    await copyFile(files.certificate, copy.certificate)
    await copyFile(files.key, copy.key)
    return copy
  }

  it('answers by https, to the names of its certificate and of this machine alone', async () => {
    await using node = await startDashboard({ tls: certificate.files })
    expect(node.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
    const port = new URL(node.url).port
    const statusAs = async (host: string, origin = `https://${host}`): Promise<number> => {
      const headers = { host, origin, authorization: `Bearer ${node.token}` }
      return (
        await send(`${node.url}/metrics`, { headers, ca: certificate.cert, servername: 'relay.example' })
      ).status
    }
    for (const name of ['relay.example', 'RELAY.example', 'a.relay.example', 'localhost', '127.0.0.1'])
      expect(await statusAs(`${name}:${port}`)).toBe(200)
    for (const name of [
      'evil.example',
      '.example',
      '.relay.example',
      'a.b.relay.example',
      '10.0.0.5',
      '[::2]',
      ''
    ])
      expect(await statusAs(`${name}:${port}`)).toBe(401)
    expect(await statusAs(`relay.example:${port}`, `http://relay.example:${port}`)).toBe(401)
  })

  it('gives links with a name of the certificate, and cookies that never go without TLS', async () => {
    await using node = await startDashboard({ tls: certificate.files })
    const by = { ca: certificate.cert, servername: 'relay.example' }
    const { url } = await node.link(by)
    expect(url).toMatch(new RegExp(`^https://relay\\.example:${new URL(node.url).port}/open#`))
    const answer = await postJson(`${node.url}/session`, { code: url.split('#')[1] }, by)
    expect(answer.headers['set-cookie']?.[0]).toMatch(/; Secure$/)
    await using local = await startDashboard({ tls: other.files })
    expect((await local.link({ ca: other.cert })).url).toContain(`${local.url}/open#`)
  })

  it('outlives what does not speak TLS', async () => {
    await using node = await startDashboard({ tls: other.files })
    const { port } = new URL(node.url)
    const heard = await new Promise<string>(resolve => {
      const socket = connect(Number(port), '127.0.0.1', () =>
        socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
      )
      let text = ''
      socket.on('data', part => (text += part.toString('latin1'))).on('error', () => {})
      socket.on('close', () => resolve(text))
    })
    expect(heard).not.toContain('HTTP/1.1 200')
    expect((await send(`${node.url}/open`, { ca: other.cert })).status).toBe(200)
  })

  it('takes a renewed certificate without a restart, and goes on with the old one while a renewal is half done', async () => {
    const files = await copyOf(certificate, 'renewed')
    const fingerprints: string[] = []
    await using node = await startDashboard({
      tls: files,
      renewalMs: 20,
      onRenewed: fingerprint => void fingerprints.push(fingerprint)
    })
    await copyFile(other.files.certificate, files.certificate)
    await until('it is told', () =>
      node.logged.some(line => line.includes('is not the key of the certificate'))
    )
    const before = { ca: certificate.cert, servername: 'relay.example' }
    expect((await send(`${node.url}/open`, before)).status).toBe(200)

    await copyFile(other.files.key, files.key)
    await until('it is renewed', () => fingerprints.length > 0)
    expect(fingerprints).toEqual([other.fingerprint])
    expect(node.http.fingerprint).toBe(other.fingerprint)
    expect((await send(`${node.url}/open`, { ca: other.cert })).status).toBe(200)
    await expect(send(`${node.url}/open`, before)).rejects.toThrow(/certificate/)
    // Once, however often it was looked at.
    expect(node.logged.filter(line => line.includes('not renewed'))).toHaveLength(1)
  })

  it.each([
    [
      'a certificate that is not there',
      { certificate: '/nowhere/cert.pem' },
      'control.tls.certificate',
      'does not exist'
    ],
    ['a key that is not there', { key: '/nowhere/key.pem' }, 'control.tls.key', 'does not exist'],
    ['the key of another', { key: 'other' }, 'control.tls.key', 'is not the key'],
    ['a certificate that is none', { certificate: 'key' }, 'control.tls.certificate', 'no certificate'],
    ['a key that is none', { key: 'certificate' }, 'control.tls.key', 'no private key']
  ])('does not start with %s, and names the setting', async (_, given, setting, why) => {
    const known: Record<string, string> = {
      other: other.files.key,
      key: certificate.files.key,
      certificate: certificate.files.certificate
    }
    const entries = Object.entries(given).map(([name, file]) => [name, known[file] ?? file])
    const tls = {
      ...certificate.files,
      ...(Object.fromEntries(entries) as Partial<typeof certificate.files>)
    }
    await expect(startDashboard({ tls })).rejects.toMatchObject({
      code: 'bad-setting',
      details: { setting },
      message: expect.stringContaining(why) as string
    })
  })

  it.each(['0.0.0.0', '::'])(
    'on %s is reached by the commands, and tells them its certificate',
    async host => {
      await using data = await temporaryFolder()
      const { certificate: cert, key } = certificate.files
      const flags = ['--control-host', host, '--control-tls-certificate', cert, '--control-tls-key', key]
      await using node = startNode(data.dir, flags)
      const { peerId } = await node.listening()
      const file = JSON.parse(await readFile(path.join(data.dir, 'control.json'), 'utf8')) as Record<
        string,
        unknown
      >
      expect(file['certificate']).toBe(certificate.fingerprint)
      expect(file['url']).toMatch(/^https:\/\/(127\.0\.0\.1|\[::1\]):\d+$/)

      const status = await new Command(['status', '--json', '--data-dir', data.dir]).finished
      expect(JSON.parse(status.stdout)).toMatchObject({ peerId })
      const client = await connectControl(data.dir)
      const events = await client.events({ names: ['mode-changed'] })
      await client.call('pause')
      for await (const { value } of events) {
        expect(value).toMatchObject({ mode: 'paused' })
        break
      }
      const link = await new Command(['dashboard', '--json', '--data-dir', data.dir]).finished
      expect(JSON.parse(link.stdout)).toMatchObject({
        url: expect.stringMatching(/^https:\/\/relay\.example:\d+\/open#/) as string
      })
    }
  )

  it('gets no token from the commands if its certificate is another', async () => {
    await using data = await temporaryFolder()
    const { app } = createApp(data.dir)
    await app.start()
    const heard: unknown[] = []
    const impostor = createServer(
      { cert: other.cert, key: await readFile(other.files.key, 'utf8') },
      (request, response) => {
        heard.push(request.headers)
        response.end('{}')
      }
    )
    await new Promise<void>(resolve => impostor.listen(0, '127.0.0.1', resolve))
    const { port } = impostor.address() as { port: number }
    const url = `https://127.0.0.1:${port}`
    const content = { url, pid: process.pid, version: '1', certificate: certificate.fingerprint }
    await writeFile(path.join(data.dir, 'control.json'), JSON.stringify(content))
    const client = await connectControl(data.dir)
    await expect(client.call('status')).rejects.toMatchObject({
      code: 'control-unreachable',
      message: expect.stringContaining('Something other than a Waystation node') as string
    })
    expect(heard).toEqual([])
    impostor.close()
    await app.stop()
  })

  it('says that who holds the port does not answer', async () => {
    await using data = await temporaryFolder()
    const { app } = createApp(data.dir)
    await app.start()
    const silent = (await import('node:net')).createServer()
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as { port: number }
    const url = `https://127.0.0.1:${port}`
    const content = { url, pid: process.pid, version: '1', certificate: certificate.fingerprint }
    await writeFile(path.join(data.dir, 'control.json'), JSON.stringify(content))
    const client = await connectControl(data.dir, { timeoutMs: 200 })
    await expect(client.call('status')).rejects.toMatchObject({
      message: expect.stringContaining('did not answer within 0.2 s') as string
    })
    silent.close()
    await app.stop()
  })
})

describe('an address that other machines reach', () => {
  it('needs TLS: the node does not start without, and says what to do', async () => {
    await using data = await temporaryFolder()
    const { code, stderr } = await startNode(data.dir, ['--control-host', '0.0.0.0']).finished
    expect(code).toBe(2)
    for (const words of ['control.host is 0.0.0.0', '--control-tls-certificate', 'SSH tunnel'])
      expect(stderr).toContain(words)
  })

  it('cannot be set on a running node either, which would not start again', async () => {
    await using data = await temporaryFolder()
    const { app } = createApp(data.dir)
    await app.start()
    await expect(app.api.setSettings({ values: { 'control.host': '192.0.2.1' } })).rejects.toMatchObject({
      code: 'bad-setting',
      details: { setting: 'control.host' }
    })
    await app.stop()
  })
})

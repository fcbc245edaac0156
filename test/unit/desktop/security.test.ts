import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { isOurs } from '../../../app/main/desktop/origin.ts'
import { answer } from '../../../app/main/desktop/protocol.ts'
import { hostsOf, isAllowedLink } from '../../../app/main/desktop/security.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'waystation-protocol-'))
mkdirSync(path.join(folder, 'renderer/assets'), { recursive: true })
writeFileSync(path.join(folder, 'secret.html'), 'secret')
writeFileSync(path.join(folder, 'renderer/index.html'), '<!doctype html>')
writeFileSync(path.join(folder, 'renderer/assets/index-a_B1.js'), '1')
writeFileSync(path.join(folder, 'renderer/.hidden.html'), 'hidden')
afterAll(() => rmSync(folder, { recursive: true }))

const get = (url: string, method = 'GET'): Promise<Response> =>
  answer(new Request(url, { method }), path.join(folder, 'renderer'))

describe('the pages of the window', () => {
  it('are served with their type and a policy that allows nothing of elsewhere', async () => {
    const page = await get('app://waystation/index.html')
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(page.headers.get('x-content-type-options')).toBe('nosniff')
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self'")
    expect(policy).not.toMatch(/unsafe|https?:|\*/)
    expect((await get('app://waystation/assets/index-a_B1.js')).headers.get('content-type')).toContain(
      'javascript'
    )
  })

  it.each([
    'app://waystation/../secret.html',
    'app://waystation/..%2fsecret.html',
    'app://waystation/%2e%2e%2fsecret.html',
    'app://waystation/assets/..%5c..%5csecret.html',
    'app://waystation/.hidden.html',
    'app://waystation/%00index.html',
    'app://waystation/%ff.html',
    'app://waystation//etc/passwd',
    'app://elsewhere/index.html',
    'app://waystation/assets',
    'app://waystation/',
    'app://waystation/missing.js'
  ])('hold no %s', async url => {
    const refused = await get(url)
    expect(refused.status).toBe(404)
    expect(await refused.text()).toBe('')
    expect(refused.headers.get('content-security-policy')).toContain("default-src 'none'")
  })

  it('take nothing', async () => {
    expect((await get('app://waystation/index.html', 'POST')).status).toBe(405)
  })
})

describe('addresses', () => {
  it.each([
    ['app://waystation/index.html#/log', true],
    ['app://waystation', true],
    ['app://waystation.example/index.html', false],
    ['app://other/index.html', false],
    ['https://waystation/', false],
    ['file:///etc/passwd', false],
    ['about:blank', false],
    ['', false]
  ])('%s is ours: %s', (url, ours) => expect(isOurs(url)).toBe(ours))

  it.each([
    ['https://example.org/docs', true],
    ['http://example.org/docs', false],
    ['https://example.org.evil.example/', false],
    ['https://evil.example/?https://example.org', false],
    ['https://user:word@example.org/', false],
    ['https://example.org:8443/', false],
    ['file:///usr/bin/xcalc', false],
    ['smb://example.org/share', false],
    ['javascript:alert(1)', false],
    ['no address', false]
  ])('%s is opened in the browser: %s', (url, opened) => {
    expect(isAllowedLink(url, hostsOf(['https://example.org/home', undefined, 'http://plain.example']))).toBe(
      opened
    )
  })
})

import { describe, expect, it } from 'vitest'
import { defaultsOf, PROFILES, type Settings } from '../../../app/shared/settings.ts'
import { validateSettings } from '../../../app/shared/values.ts'

const check = (changes: Partial<Settings>): ReturnType<typeof validateSettings> =>
  validateSettings({ ...defaultsOf('server'), ...changes })

const NO_TRANSPORT = {
  'tcp.enabled': false,
  'quic.enabled': false,
  'ws.enabled': false,
  'webrtcDirect.enabled': false
}

describe('settings that must fit together', () => {
  it.each(PROFILES)('the defaults of %s do', profile => {
    expect(validateSettings(defaultsOf(profile))).toEqual([])
  })

  it('TCP and QUIC may share a number', () => {
    expect(check({ 'tcp.port': 9000, 'quic.port': 9000 })).toEqual([])
  })

  it('QUIC and WebSocket may share a number', () => {
    expect(check({ 'quic.port': 4003 })).toEqual([])
  })

  it.each([
    ['tcp.port', 'ws.port'],
    ['tcp.port', 'http.port'],
    ['ws.port', 'http.port']
  ] as const)('%s and %s may not', (first, second) => {
    const [problem, ...others] = check({ [first]: 9000, [second]: 9000 })
    expect(others).toEqual([])
    expect(problem).toMatchObject({ severity: 'error', code: 'bad-setting', settings: [first, second] })
    expect(problem?.message).toContain(`${first} and ${second} are both 9000`)
  })

  it.each([
    [{ 'ws.autoTls': true }, '--no-ws-auto-tls'],
    [{ 'tls.cert': 'chain.pem', 'tls.key': 'key.pem' }, 'leave tls.cert and tls.key out'],
    [{ 'ws.autoTls': true, 'tls.cert': 'c', 'tls.key': 'k' }, 'tls.key out and --no-ws-auto-tls']
  ])('says what to leave out so that tls.port stays closed: %j', (changes, mend) => {
    const [problem] = check({ ...changes, 'tls.port': 4002 })
    expect(problem?.message).toContain(mend)
  })

  it('says how to part two ports', () => {
    expect(check({ 'tcp.port': 4003 })[0]?.message).toBe(
      'tcp.port and ws.port are both 4003, and one TCP port serves one of them. ' +
        'Move one (--tcp-port N or --ws-port N), or switch one off (--no-ws-enabled).'
    )
  })

  it('a port that is switched off is in no one’s way', () => {
    expect(check({ 'tcp.port': 4003, 'ws.enabled': false })).toEqual([])
  })

  it('port 0 is a different port each time', () => {
    expect(check({ 'tcp.port': 0, 'ws.port': 0, 'http.port': 0 })).toEqual([])
  })

  it('all transports off leave nothing to listen on', () => {
    const problems = check(NO_TRANSPORT)
    expect(problems.map(({ code }) => code)).toEqual(['nothing-to-listen-on'])
    expect(problems[0]?.message).toContain('tcp.enabled, quic.enabled, ws.enabled, webrtcDirect.enabled')
  })

  it('no address leaves nothing to listen on', () => {
    const problems = check({ 'listen.ip4': [], 'listen.ip6': [] })
    expect(problems.map(({ code }) => code)).toEqual(['nothing-to-listen-on'])
  })

  it('an announced address that no transport serves is named', () => {
    const problems = check({ ...NO_TRANSPORT, announceIp: ['203.0.113.7'] })
    expect(problems.at(-1)?.message).toContain('announceIp is 203.0.113.7')
  })

  it.each([
    ['listen.ip6', '2001:db8::7'],
    ['listen.ip4', '203.0.113.7']
  ] as const)('warns of an announced address when %s is empty', (key, ip) => {
    const problems = check({ [key]: [], announceIp: [ip] })
    expect(problems).toMatchObject([{ severity: 'warning', settings: ['announceIp', key] }])
  })

  it.each([
    [{ announce: ['/dns4/relay.example/tcp/443/tls/ws'] }, '/ip4/YOUR.IP/udp/4004/webrtc-direct'],
    [
      { announce: ['/ip4/203.0.113.7/udp/4004/webrtc-direct'], 'webrtcDirect.enabled': false },
      '--webrtc-direct-enabled'
    ]
  ])('warns of WebRTC-direct that is not in the list of what is announced, or in vain: %o', (given, mend) => {
    const problems = check(given)
    expect(problems).toMatchObject([{ severity: 'warning', settings: ['announce', 'webrtcDirect.enabled'] }])
    expect(problems[0]?.message).toContain(mend)
  })

  it.each([
    { announce: ['/ip4/203.0.113.7/udp/4004/webrtc-direct'] },
    { announce: ['/dns4/relay.example/tcp/443/tls/ws'], 'webrtcDirect.enabled': false },
    { announce: ['/dns4/relay.example/tcp/443/tls/ws'], announceIp: ['203.0.113.7'] }
  ])('does not where it is announced, or off: %o', given => {
    expect(check(given)).toEqual([])
  })

  it('warns when fewer connections than reservations fit', () => {
    expect(check({ 'connections.total': 100 })).toMatchObject([{ severity: 'warning' }])
    expect(check({ 'connections.total': 0 })).toEqual([])
  })
})

describe('the address of the dashboard', () => {
  const tls = { 'control.tls.certificate': 'cert.pem', 'control.tls.key': 'key.pem' }

  it.each(['127.0.0.1', '127.1.2.3', '::1', '0:0:0:0:0:0:0:1'])(
    '%s is this machine’s own, and needs no TLS',
    host => {
      expect(check({ 'control.host': host })).toEqual([])
    }
  )

  it.each(['0.0.0.0', '::', '192.0.2.1', '2001:db8::1', '::ffff:127.0.0.1'])(
    '%s is reached by others, and needs TLS',
    host => {
      const [problem, ...others] = check({ 'control.host': host })
      expect(others).toEqual([])
      expect(problem).toMatchObject({ severity: 'error', code: 'bad-setting' })
      expect(problem?.settings[0]).toBe('control.host')
      expect(problem?.message).toContain('--control-tls-certificate')
      expect(check({ 'control.host': host, ...tls })).toEqual([])
      expect(check({ 'control.host': host, 'control.enabled': false })).toEqual([])
    }
  )

  it.each(['control.tls.certificate', 'control.tls.key'] as const)('%s is missed beside the other', key => {
    const problems = check({ ...tls, [key]: '' })
    expect(problems.map(({ settings }) => settings)).toEqual([[key]])
    expect(problems[0]?.message).toContain('go together')
  })
})

import { describe, expect, it } from 'vitest'
import {
  gateway6OfProc,
  gateway6OfRouteGet,
  gateway6OfRoutePrint,
  gatewayOfProc,
  gatewayOfRouteGet,
  gatewayOfRoutePrint
} from '../../../app/main/relay/mapping/default-gateway.ts'
import { servicesOf } from '../../../app/main/relay/mapping/igd.ts'
import { MappedAddresses, type MappedAddress } from '../../../app/main/relay/mapping/mapped-addresses.ts'
import { isAnswerTo } from '../../../app/main/relay/mapping/nat-pmp.ts'
import { faultOf } from '../../../app/main/relay/mapping/soap.ts'
import { GatewayAnswers, locationOf } from '../../../app/main/relay/mapping/ssdp.ts'

const HEAD = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n'

describe('the default gateway', () => {
  it.each<{ what: string; rows: string[]; order?: 'LE' | 'BE'; gateway: string | undefined }>([
    {
      what: 'of one route',
      rows: [
        'eth0 00000000 014DA8C0 0003 0 0 0 00000000 0 0 0',
        'eth0 004DA8C0 00000000 0001 0 0 0 00FFFFFF 0 0 0'
      ],
      gateway: '192.168.77.1'
    },
    {
      what: 'of the route with the lowest metric',
      rows: [
        'wlan0 00000000 0100000A 0003 0 0 600 00000000 0 0 0',
        'eth0 00000000 0101A8C0 0003 0 0 100 00000000 0 0 0'
      ],
      gateway: '192.168.1.1'
    },
    {
      what: 'on a machine of the other byte order',
      rows: ['eth0 00000000 C0A84D01 0003 0 0 0 00000000 0 0 0'],
      order: 'BE',
      gateway: '192.168.77.1'
    },
    {
      what: 'of a route without a router',
      rows: ['ppp0 00000000 00000000 0001 0 0 0 00000000 0 0 0'],
      gateway: undefined
    },
    {
      what: 'of half of all addresses',
      rows: ['tun0 00000000 0100000A 0003 0 0 0 00000080 0 0 0'],
      gateway: undefined
    },
    { what: 'of no route', rows: [], gateway: undefined }
  ])('is read on Linux: that $what', ({ rows, order = 'LE', gateway }) => {
    const table = HEAD + rows.map(row => row.replaceAll(' ', '\t')).join('\n') + '\n'
    expect(gatewayOfProc(table, order)).toBe(gateway)
  })

  it('is read on macOS', () => {
    const text =
      '   route to: default\ndestination: default\n       mask: default\n    gateway: 192.168.1.1\n  interface: en0\n'
    expect(gatewayOfRouteGet(text)).toBe('192.168.1.1')
    expect(gatewayOfRouteGet(text.replace('192.168.1.1', 'link#12'))).toBeUndefined()
    expect(gatewayOfRouteGet('')).toBeUndefined()
  })

  it('is read on a German Windows', () => {
    const text = [
      'IPv4-Routentabelle',
      'Aktive Routen:',
      '     Netzwerkziel    Netzwerkmaske          Gateway    Schnittstelle Metrik',
      '          0.0.0.0          0.0.0.0      10.0.0.138       10.0.0.12     55',
      '          0.0.0.0          0.0.0.0     192.168.1.1    192.168.1.17     25',
      '          0.0.0.0          0.0.0.0   Auf Verbindung     10.8.0.2      5'
    ].join('\r\n')
    expect(gatewayOfRoutePrint(text)).toBe('192.168.1.1')
    expect(gatewayOfRoutePrint('')).toBeUndefined()
  })
})

describe('the default gateway of IPv6', () => {
  const none = '0'.repeat(32)
  const route = (
    hop: string,
    { to = none, bits = '00', metric = '00000400', flags = '00000003' } = {}
  ): string => `${to} ${bits} ${none} 00 ${hop} ${metric} 00000003 00000000 ${flags}     eth0`
  const LINK_LOCAL = 'fe80000000000000020c29fffe000001'

  it.each([
    {
      what: 'that is link-local',
      rows: [route(LINK_LOCAL)],
      gateway: 'fe80:0000:0000:0000:020c:29ff:fe00:0001%eth0'
    },
    {
      what: 'of the route with the lowest metric',
      rows: [route(LINK_LOCAL), route(`fd${'0'.repeat(29)}1`, { metric: '00000064' })],
      gateway: 'fd00:0000:0000:0000:0000:0000:0000:0001'
    },
    { what: 'of a route that rejects', rows: [route(none, { flags: '00200200' })], gateway: undefined },
    { what: 'of one network', rows: [route(LINK_LOCAL, { bits: '40' })], gateway: undefined },
    { what: 'of no route', rows: [], gateway: undefined }
  ])('is read on Linux: that $what', ({ rows, gateway }) => {
    expect(gateway6OfProc(rows.join('\n') + '\n')).toBe(gateway)
  })

  it('is read on macOS', () => {
    const text = '   route to: default\n    gateway: fe80::1%en0\n  interface: en0\n'
    expect(gateway6OfRouteGet(text)).toBe('fe80::1%en0')
    expect(gateway6OfRouteGet('')).toBeUndefined()
  })

  it('is read on Windows', () => {
    const text = [
      ' If Metric Network Destination      Gateway',
      ' 12    281 ::/0                     fe80::1',
      '  5     25 ::/0                     fe80::2',
      '  9      5 ::/0                     On-link'
    ].join('\r\n')
    expect(gateway6OfRoutePrint(text)).toBe('fe80::2%5')
    expect(gateway6OfRoutePrint('')).toBeUndefined()
  })
})

describe('an answer to the search for UPnP gateways', () => {
  const ST = 'urn:schemas-upnp-org:device:InternetGatewayDevice:1'
  const answer = ({
    status = 'HTTP/1.1 200 OK',
    st = ST,
    location = 'http://192.168.1.1:5000/rootDesc.xml'
  } = {}): string =>
    [status, 'CACHE-CONTROL: max-age=120', `st:${st}`, 'EXT:', `Location:   ${location}  `, '', ''].join(
      '\r\n'
    )

  it('says where the gateway describes itself', () => {
    expect(locationOf(answer(), '192.168.1.1')?.href).toBe('http://192.168.1.1:5000/rootDesc.xml')
  })

  it.each([
    { what: 'of another host', text: answer({ location: 'http://192.168.1.2/' }), from: '192.168.1.1' },
    { what: 'of the public Internet', text: answer({ location: 'http://5.6.7.8/' }), from: '5.6.7.8' },
    { what: 'of this machine by name', text: answer({ location: 'http://localhost/' }), from: '127.0.0.1' },
    { what: 'of a file', text: answer({ location: 'file:///etc/passwd' }), from: '192.168.1.1' },
    { what: 'that is no URL', text: answer({ location: '%' }), from: '192.168.1.1' },
    { what: 'of another kind of device', text: answer({ st: 'ssdp:all' }), from: '192.168.1.1' },
    { what: 'of a request', text: answer({ status: 'NOTIFY * HTTP/1.1' }), from: '192.168.1.1' },
    { what: 'of nothing', text: '', from: '192.168.1.1' }
  ])('is not followed to a description $what', ({ text, from }) => {
    expect(locationOf(text, from)).toBeUndefined()
  })
})

describe('gateways that have answered', () => {
  const at = (host: string, number: number): URL => new URL(`http://${host}/${number}.xml`)
  const all = (answers: GatewayAnswers): string[] => {
    const found: string[] = []
    for (let next = answers.next(); next !== undefined; next = answers.next()) found.push(next.href)
    return found
  }

  it('are looked at once each, the default gateway first', () => {
    const answers = new GatewayAnswers('192.168.1.1')
    for (const host of ['192.168.1.5', '192.168.1.1', '192.168.1.5', '192.168.1.1']) answers.add(at(host, 0))
    expect(all(answers)).toEqual(['http://192.168.1.1/0.xml', 'http://192.168.1.5/0.xml'])
    answers.add(at('192.168.1.5', 0))
    expect(all(answers)).toEqual([])
  })

  it('are heard beside one that answers without end', () => {
    const answers = new GatewayAnswers(undefined)
    for (let number = 0; number < 100; number++) answers.add(at('192.168.1.5', number))
    answers.add(at('192.168.1.6', 0))
    expect(all(answers).filter(href => href.includes('.5/'))).toHaveLength(4)
  })

  it('are so many at most, and the default gateway beside them', () => {
    const answers = new GatewayAnswers('192.168.1.1')
    for (let host = 10; host < 110; host++) answers.add(at(`192.168.1.${host}`, 0))
    answers.add(at('192.168.1.1', 0))
    expect(all(answers)).toHaveLength(17)
  })
})

describe('the description of a UPnP gateway', () => {
  const here = new URL('http://192.168.1.1:5000/desc/root.xml')
  const service = (type: string, control: string): string =>
    `<service><serviceType>urn:schemas-upnp-org:service:${type}</serviceType>\n<controlURL>${control}</controlURL></service>`

  it.each([
    { what: 'an absolute path', control: '/ctl', href: 'http://192.168.1.1:5000/ctl' },
    { what: 'a relative path', control: 'ctl', href: 'http://192.168.1.1:5000/desc/ctl' },
    { what: 'another port', control: 'http://192.168.1.1:80/ctl', href: 'http://192.168.1.1/ctl' }
  ])('names the place of actions by $what', ({ control, href }) => {
    expect(servicesOf(service('WANIPConnection:1', control), here).map(found => found.control.href)).toEqual([
      href
    ])
  })

  it('may have a base for its paths', () => {
    const text = `<URLBase>http://192.168.1.1:49152</URLBase>${service('WANPPPConnection:1', '/ctl')}`
    expect(servicesOf(text, here).map(({ control }) => control.href)).toEqual([
      'http://192.168.1.1:49152/ctl'
    ])
  })

  it('sends us to no other host', () => {
    expect(servicesOf(service('WANIPConnection:1', 'http://192.168.1.2/ctl'), here)).toEqual([])
  })

  it('gives the best of its services first, and others not at all', () => {
    const names = ['Layer3Forwarding:1', 'WANPPPConnection:1', 'WANIPConnection:1', 'WANIPConnection:2']
    const found = servicesOf(names.map(name => service(name, `/${name}`)).join(''), here)
    expect(found.map(({ type }) => type.slice(29))).toEqual(names.slice(1).reverse())
  })

  it.each(['<service>', '<URLBase ', '<x:URLBase', '<serviceType>'])(
    'holds nobody up by opening %s for ever',
    opening => {
      expect(servicesOf(opening.repeat(25_000), here)).toEqual([])
    }
  )
})

describe('the fault of a UPnP gateway', () => {
  const fault = (code: string, text: string): string =>
    `<s:Fault><detail><u:UPnPError xmlns:u="x"><u:errorCode>${code}</u:errorCode><errorDescription>${text}</errorDescription></u:UPnPError></detail></s:Fault>`

  it('is told with its own code and words', () => {
    expect(faultOf(fault('606', 'Action not authorized'), 500)).toMatchObject({
      code: 'refused',
      gatewayCode: 606,
      message: 'UPnP code 606, Action not authorized'
    })
  })

  it.each([718, 724, 729])('%i is a conflict', code => {
    expect(faultOf(fault(String(code), ''), 500).code).toBe('conflict')
  })

  it('brings nothing into the log that is more than words', () => {
    const { message } = faultOf(fault('501', `a\u001b[31m\n${'b'.repeat(1000)}`), 500)
    expect(message).toMatch(/^UPnP code 501, [\w .,()-]{1,80}$/)
  })

  it('without a code is told by its HTTP status', () => {
    expect(faultOf('<html>', 401)).toMatchObject({
      code: 'refused',
      message: 'HTTP status 401',
      gatewayCode: undefined
    })
  })
})

describe('an answer by NAT-PMP', () => {
  const answer = (op: number, result: number, port: number, length = 16): Buffer => {
    const bytes = Buffer.alloc(16)
    bytes.writeUInt8(op, 1)
    bytes.writeUInt16BE(result, 2)
    bytes.writeUInt16BE(port, 8)
    return bytes.subarray(0, length)
  }

  it.each([
    { what: 'to the question', bytes: answer(130, 0, 4001), expected: true },
    { what: 'that refuses, without more', bytes: answer(130, 2, 0, 8), expected: true },
    { what: 'to an earlier question, of another port', bytes: answer(130, 0, 4002), expected: false },
    { what: 'to a question for UDP', bytes: answer(129, 0, 4001), expected: false },
    { what: 'that is cut short', bytes: answer(130, 0, 4001, 15), expected: false },
    { what: 'of one byte', bytes: Buffer.from([0]), expected: false },
    { what: 'of none', bytes: Buffer.alloc(0), expected: false }
  ])('$what: $expected', ({ bytes, expected }) => {
    expect(isAnswerTo(130, 4001)(bytes)).toBe(expected)
  })
})

describe('addresses of forwarded ports', () => {
  it('are added once, replaced when they change, and taken away', () => {
    const calls: string[] = []
    const note =
      (what: string) =>
      (ip: string, port: number, externalIp: string, externalPort?: number, protocol?: string) =>
        void calls.push(`${what} ${protocol} ${ip}:${port} ${externalIp}:${externalPort}`)
    const addresses = new MappedAddresses({
      addPublicAddressMapping: note('+'),
      removePublicAddressMapping: note('-')
    })
    const tcp: MappedAddress = {
      protocol: 'tcp',
      internalIp: '10.0.0.2',
      internalPort: 4001,
      externalIp: '5.6.7.1',
      externalPort: 4001
    }

    addresses.set(tcp)
    addresses.set({ ...tcp })
    addresses.set({ ...tcp, externalPort: 5001 })
    addresses.set({ ...tcp, protocol: 'udp' })
    addresses.keep([{ protocol: 'udp', internalPort: 4001 }])
    addresses.keep([])

    expect(calls).toEqual([
      '+ tcp 10.0.0.2:4001 5.6.7.1:4001',
      '- tcp 10.0.0.2:4001 5.6.7.1:4001',
      '+ tcp 10.0.0.2:4001 5.6.7.1:5001',
      '+ udp 10.0.0.2:4001 5.6.7.1:4001',
      '- tcp 10.0.0.2:4001 5.6.7.1:5001',
      '- udp 10.0.0.2:4001 5.6.7.1:4001'
    ])
  })
})

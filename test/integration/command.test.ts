import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { Command, LOOPBACK, startNode, temporaryFolder } from '../support/command.ts'

describe('the command', () => {
  it('prints its version', async () => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string }

    const { code, stdout } = await new Command(['--version']).finished

    expect({ code, stdout }).toEqual({ code: 0, stdout: `${version}\n` })
  })

  it.each([
    { args: ['--tcp-prot', '1'], says: ['--tcp-prot', '--tcp-port'] },
    { args: ['--tcp-port', '70000'], says: ['tcp.port', '70000', '0 to 65535'] },
    {
      args: ['--relay-circuits-bytes-each-way', 'lots'],
      says: ['relay.circuits.bytesEachWay', 'lots', '100MiB']
    },
    { args: ['--access-deny', 'nobody'], says: ['access.deny', 'nobody', 'CIDR'] },
    { args: ['relay'], says: ['relay', '--help'] }
  ])('refuses $args with what is allowed', async ({ args, says }) => {
    const { code, stderr } = await new Command(args).finished

    expect(code).toBe(2)
    for (const words of says) expect(stderr).toContain(words)
  })

  it('keeps a settings file that does not parse, and names the line', async () => {
    await using folder = await temporaryFolder()
    const file = path.join(folder.dir, 'settings.json')
    const broken = '{\n  "tcp": { "port": 4001 },\n  "ws": { "port" 4003 }\n}\n'
    await writeFile(file, broken)

    const { code, stderr } = await startNode(folder.dir).finished

    expect(code).toBe(1)
    expect(stderr).toMatch(/settings\.json.*line 3/s)
    expect(await readFile(file, 'utf8')).toBe(broken)
  })

  it('says in --print-settings where each value came from', async () => {
    await using folder = await temporaryFolder()
    await writeFile(path.join(folder.dir, 'settings.json'), '{ "version": 1, "ws": { "port": 5003 } }')
    const args = ['--data-dir', folder.dir, '--tcp-port', '5001', '--print-settings', '--json']

    const { stdout } = await new Command(args, { env: { WAYSTATION_QUIC_PORT: '5002' } }).finished

    expect(sourcesOf(stdout, ['tcp.port', 'quic.port', 'ws.port', 'http.port'])).toEqual({
      'tcp.port': [5001, 'flag'],
      'quic.port': [5002, 'environment'],
      'ws.port': [5003, 'file'],
      'http.port': [4002, 'default']
    })
  })

  it('names the port, its setting and the mend when a port asked for is taken', async () => {
    await using first = await temporaryFolder()
    await using second = await temporaryFolder()
    await using running = startNode(first.dir)
    const { addresses } = await running.listening()
    const port = /\/tcp\/(\d+)\/p2p/.exec(addresses.join(' '))?.[1] ?? ''

    const { code, stderr } = await startNode(second.dir, ['--tcp-port', port]).finished

    expect(code).toBe(1)
    for (const words of [`TCP port ${port}`, 'tcp.port', '--tcp-port']) expect(stderr).toContain(words)
  })

  it('runs the try-it of the README against it', async () => {
    await using folder = await temporaryFolder()
    await using node = startNode(folder.dir)
    const { identity } = await node.listening()
    const origin = new URL(identity[0] ?? '').origin

    const { code, stdout } = await new Command([origin], { entry: 'examples/try-it.js' }).finished

    expect(stdout).toContain('It works.')
    expect(code).toBe(0)
  })
})

describe('flags that give another relay', async () => {
  const readme = await readFile('README.md', 'utf8')
  const section = readme.slice(readme.indexOf('### Coming from another relay'), readme.indexOf('## Identity'))
  const commands = [...section.matchAll(/^(\w+) \(.*?\):\n\n```sh\nnpm run relay -- (.*)\n```/gm)].map(
    ([, name = '', flags = '']) => ({ name, flags: flags.split(' ') })
  )
  const same = {
    'relay.reservations.total': 1024,
    'relay.reservations.ttlSeconds': 3600
  }
  const expected: Record<string, Record<string, unknown>> = {
    FROST: {
      ...same,
      'tcp.port': 9090,
      'ws.port': 9091,
      'relay.circuits.total': 16,
      'relay.circuits.perPeer': 4
    },
    Descord: {
      ...same,
      'tcp.port': 9000,
      'quic.port': 9000,
      'relay.circuits.total': 512,
      'relay.circuits.perPeer': 5,
      'relay.circuits.durationSeconds': 3600,
      'relay.circuits.bytesEachWay': 100_000_000
    },
    PrivStack: {
      'quic.port': 4001,
      'http.port': 4002,
      'identity.protocolVersion': '/privstack/relay/1.0.0',
      'dht.clientAddresses': 'all'
    }
  }

  it('are in the README for each', () => {
    expect(commands.map(({ name }) => name)).toEqual(Object.keys(expected))
  })

  it.each(commands)('$name: its ports and limits', async ({ name, flags }) => {
    await using folder = await temporaryFolder()
    const args = [...flags, '--data-dir', folder.dir, '--print-settings', '--json']

    const { stdout } = await new Command(args).finished

    const wanted = expected[name] ?? {}
    const values = sourcesOf(stdout, Object.keys(wanted))
    expect(Object.fromEntries(Object.entries(values).map(([key, [value]]) => [key, value]))).toEqual(wanted)
  })

  it.each(commands)('$name: starts', async ({ name, flags }) => {
    await using folder = await temporaryFolder()
    // The same flags, but on ports that are free here.
    const moved = flags.map((flag, i) => (/-port$|^--port$/.test(flags[i - 1] ?? '') ? '0' : flag))
    const http = moved.includes('--http-port') ? [] : ['--http-port', '0']
    const webRtc = moved.includes('--no-webrtc-direct-enabled') ? [] : ['--webrtc-direct-port', '0']
    await using node = new Command([...moved, ...http, ...webRtc, '--data-dir', folder.dir, ...LOOPBACK])

    const { identity, addresses } = await node.listening()

    const page = (await (await fetch(identity[0] ?? '')).json()) as { protocol_version: string }
    const ours = expected[name]?.['identity.protocolVersion'] ?? '/waystation/relay/1.0.0'
    expect(page.protocol_version).toBe(ours)
    expect(addresses).toHaveLength({ FROST: 3, Descord: 4, PrivStack: 1 }[name] ?? 0)
  })
})

/** What `--print-settings --json` says of some keys: value and where from. */
function sourcesOf(json: string, keys: readonly string[]): Record<string, [unknown, string]> {
  const printed = JSON.parse(json) as { settings: Record<string, { value: unknown; from: string }> }
  return Object.fromEntries(
    keys.map(key => [key, [printed.settings[key]?.value, printed.settings[key]?.from ?? '']])
  )
}

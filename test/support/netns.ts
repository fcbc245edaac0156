import { execFile, spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { findProgram } from './needs.ts'
import { NodeScript } from './node-script.ts'

/**
 * Networks of a test's own: Linux network namespaces, the cables between them, and a NAT in the one that is the
 * router. Names carry the pid and a random part, so that runs do not meet; what a killed run left is swept up by the
 * next one.
 */

const execute = promisify(execFile)
const PREFIX = 'wst'
const COMMAND_TIMEOUT_MS = 20_000

/** For `describe.skipIf(missing(NEEDS_NETNS, canMakeNetworks))`. */
export const NEEDS_NETNS = 'root on Linux, ip (Debian: iproute2) and nft (nftables), to make networks,'
export const canMakeNetworks =
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  findProgram('ip') !== undefined &&
  findProgram('nft') !== undefined

/** One end of a cable. Its name is free to choose: each namespace has names of its own. */
export interface CableEnd {
  in: Namespace
  /** At most 15 characters. */
  interface: string
  /** With their prefix length: `192.168.77.2/24`, `fd00::2/64`. */
  addresses?: readonly string[]
  /** A bridge in that namespace to plug it into; it is made where there is none. Addresses belong to the bridge. */
  bridge?: string
}

export interface CableOptions {
  /** Whether the kernel may join packets (TSO, GSO, GRO): without, counters count what a real cable carries. */
  offloads?: boolean
}

/** All that a test makes of networks; its end takes down the processes and the namespaces. */
export class TestNetwork {
  readonly #tag = `${PREFIX}-${process.pid}-${randomBytes(3).toString('hex')}`
  readonly #namespaces: Namespace[] = []

  /** Needs root. */
  static async create(): Promise<TestNetwork> {
    await sweep()
    return new TestNetwork()
  }

  /** An empty network with nothing but its loopback interface. `label` is for people who look at it. */
  async namespace(label: string): Promise<Namespace> {
    const namespace = new Namespace(`${this.#tag}-${label}`)
    this.#namespaces.push(namespace)
    await ip('netns', 'add', namespace.name)
    await namespace.ip('link', 'set', 'lo', 'up')
    return namespace
  }

  /** A cable (a veth pair) between two namespaces, up, with its addresses. */
  async cable(a: CableEnd, b: CableEnd, { offloads = true }: CableOptions = {}): Promise<void> {
    const end = (at: CableEnd): string[] => ['name', at.interface, 'netns', at.in.name]
    await ip('link', 'add', ...end(a), 'type', 'veth', 'peer', ...end(b))
    for (const at of [a, b]) {
      if (!offloads) await at.in.run('ethtool', '-K', at.interface, 'tso', 'off', 'gso', 'off', 'gro', 'off')
      await plugIn(at)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const results = await Promise.allSettled(this.#namespaces.map(namespace => namespace.remove()))
    const failed = results
      .filter(result => result.status === 'rejected')
      .map(result => result.reason as unknown)
    if (failed.length > 0) throw new AggregateError(failed, 'a test network could not be taken down')
  }
}

/** One network: a machine of the test. */
export class Namespace {
  readonly name: string
  readonly #scripts: NodeScript[] = []
  readonly #children: ChildProcess[] = []

  constructor(name: string) {
    this.name = name
  }

  /** What to put before a command so that it runs here: `under` of Command. */
  get under(): readonly string[] {
    return ['ip', 'netns', 'exec', this.name]
  }

  /** A command here, to its end: its output. @throws with its stderr where it fails */
  async run(...command: readonly [string, ...string[]]): Promise<string> {
    return run('ip', 'netns', 'exec', this.name, ...command)
  }

  /** `ip` here, quicker than by `run`. */
  async ip(...args: readonly string[]): Promise<string> {
    return ip('-n', this.name, ...args)
  }

  /** nft's own language, here. */
  async nft(rules: string): Promise<string> {
    return this.run('nft', rules)
  }

  /** A process here that ends with the network at the latest. */
  spawn(program: string, args: readonly string[] = [], options: SpawnOptions = {}): ChildProcess {
    const [first = '', ...rest] = [...this.under, program, ...args]
    const child = spawn(first, rest, options)
    this.#children.push(child)
    return child
  }

  /** A Node script here that ends with the network at the latest. */
  script(source: string): NodeScript {
    const script = new NodeScript(source, { under: this.under })
    this.#scripts.push(script)
    return script
  }

  async route(to: string, via: string): Promise<void> {
    await this.ip('route', 'replace', to, 'via', via)
  }

  /** Passes packets on between its interfaces, and gives those that leave by `outside` its own address (source NAT). */
  async masquerade(outside: string): Promise<void> {
    await this.forward()
    await this.nft(
      `table ip nat { chain post { type nat hook postrouting priority srcnat; oifname "${outside}" masquerade; }; }`
    )
  }

  /** Passes packets on between its interfaces. */
  async forward(): Promise<void> {
    await this.run('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1')
  }

  /** Bytes an interface has received and sent since it was made, headers and all. */
  async counters(name: string): Promise<{ received: number; sent: number }> {
    type Link = { stats64: { rx: { bytes: number }; tx: { bytes: number } } }
    const [link] = JSON.parse(await this.ip('-j', '-s', 'link', 'show', 'dev', name)) as Link[]
    if (link === undefined) throw new Error(`no interface ${name}`)
    return { received: link.stats64.rx.bytes, sent: link.stats64.tx.bytes }
  }

  /** Ends what runs here, then takes the network away. */
  async remove(): Promise<void> {
    await Promise.all(this.#scripts.map(script => script.kill()))
    await Promise.all(this.#children.map(end))
    // Daemons that left their parent.
    await endProcessesIn(this.name)
    await ip('netns', 'delete', this.name)
  }
}

async function plugIn(end: CableEnd): Promise<void> {
  const { in: namespace, interface: cable, bridge, addresses = [] } = end
  if (bridge !== undefined) {
    const there = await namespace.ip('link', 'show', 'dev', bridge).catch(() => undefined)
    if (there === undefined) await namespace.ip('link', 'add', bridge, 'type', 'bridge')
    await namespace.ip('link', 'set', cable, 'master', bridge)
    await namespace.ip('link', 'set', bridge, 'up')
  }
  const at = bridge ?? cable
  for (const address of addresses) {
    // Without duplicate address detection an IPv6 address can be used at once.
    await namespace.ip('address', 'add', address, 'dev', at, ...(address.includes(':') ? ['nodad'] : []))
  }
  await namespace.ip('link', 'set', cable, 'up')
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

async function endProcessesIn(name: string): Promise<void> {
  const pids = (await ip('netns', 'pids', name)).split('\n').filter(Boolean).map(Number)
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended by itself.
    }
  }
}

/** Takes down the networks of test runs that are no more. */
async function sweep(): Promise<void> {
  const listed = await ip('netns', 'list')
  for (const [, name = '', pid] of listed.matchAll(new RegExp(`^(${PREFIX}-(\\d+)-\\S+)`, 'gm'))) {
    if (isRunning(Number(pid))) continue
    // Another run may be sweeping too.
    await endProcessesIn(name).catch(() => {})
    await ip('netns', 'delete', name).catch(() => {})
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

const ip = (...args: readonly string[]): Promise<string> => run('ip', ...args)

async function run(program: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await execute(program, args, {
    timeout: COMMAND_TIMEOUT_MS,
    maxBuffer: 16 * 1024 * 1024
  })
  return stdout
}

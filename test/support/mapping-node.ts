import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { MappingInfo } from '../../app/shared/api.ts'
import type { PortMappingOptions } from '../../app/main/relay/mapping/service.ts'
import type { Namespace } from './netns.ts'
import { until } from './until.ts'

export const PORTS = { tcp: 4001, ws: 4002, quic: 4001 }
const LISTEN = ['/ip4/0.0.0.0/tcp/4001', '/ip4/0.0.0.0/tcp/4002/ws', '/ip4/0.0.0.0/udp/4001/quic-v1']
/** Times that a test can wait for. */
const QUICK = { checkSeconds: 1, searchAgainSeconds: 1, searchSeconds: 2 }

export interface NodeAddress {
  address: string
  type: string
  verified: boolean
}

interface Message {
  info?: MappingInfo
  peer?: string
  addresses?: NodeAddress[]
}

export type MappingNodeOptions = Partial<Omit<PortMappingOptions, 'changed' | 'watch'>> & {
  listen?: readonly string[]
}

/** The node of mapping-child.ts, in that network. */
export class MappingNode {
  /** All states it has said, in order. */
  readonly states: MappingInfo[] = []
  readonly #child: ChildProcess
  #peer = ''
  #addresses: NodeAddress[] | undefined

  private constructor(namespace: Namespace, { times, listen = LISTEN, enabled = true }: MappingNodeOptions) {
    const script = fileURLToPath(new URL('./mapping-child.ts', import.meta.url))
    const options = JSON.stringify({ listen, enabled, times: { ...QUICK, ...times } })
    const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const
    this.#child = namespace.spawn(process.execPath, ['--no-warnings', script, options], { stdio: [...stdio] })
    this.#child.on('message', (message: Message) => {
      if (message.info !== undefined) this.states.push(message.info)
      if (message.addresses !== undefined) this.#addresses = message.addresses
      this.#peer = message.peer ?? this.#peer
    })
  }

  static async start(namespace: Namespace, options: MappingNodeOptions = {}): Promise<MappingNode> {
    const node = new MappingNode(namespace, options)
    await until('the node is up', () => node.#peer !== '' || node.#child.exitCode !== null, 60)
    if (node.#peer === '') throw new Error('the node ended')
    return node
  }

  get info(): MappingInfo {
    const info = this.states.at(-1)
    if (info === undefined) throw new Error('it has said nothing yet')
    return info
  }

  get peer(): string {
    return this.#peer
  }

  /** Waits for a state: all ports have been tried. */
  async reaches(state: MappingInfo['state'], code?: string): Promise<MappingInfo> {
    const isThere = ({ state: now, code: why, ports }: MappingInfo): boolean =>
      now === state && why === code && ports.every(port => port.state !== 'pending')
    await until(`${state} ${code ?? ''}`, () => this.states.length > 0 && isThere(this.info), 60).catch(
      error => {
        throw new Error(`${String(error)}: ${JSON.stringify(this.states.at(-1))}`)
      }
    )
    return this.info
  }

  switch(to: 'on' | 'off'): void {
    this.#child.send(to)
  }

  /** Of the public Internet, as the node knows them. */
  async publicAddresses(): Promise<NodeAddress[]> {
    this.#addresses = undefined
    this.#child.send('addresses')
    await until('it says its addresses', () => this.#addresses !== undefined)
    const known = this.#addresses as NodeAddress[] | undefined
    return (known ?? []).filter(({ address }) => address.startsWith('/ip4/5.'))
  }

  /** Stops the node as at the end of the program. */
  async stop(): Promise<void> {
    const gone = once(this.#child, 'exit')
    this.#child.send('stop')
    await gone
  }

  /** kill -9. */
  async kill(): Promise<void> {
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }
}

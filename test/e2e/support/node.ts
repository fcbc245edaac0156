import path from 'node:path'
import { createClient, type ControlClient } from '../../../app/main/api/client.ts'
import { saveSettings } from '../../../app/main/settings/file.ts'
import type { Settings } from '../../../app/shared/settings.ts'
import { startNode, type Command, temporaryFolder } from '../../support/command.ts'
import { addressOf, unlimited, type Kind } from '../../support/relay.ts'
import { until } from '../../support/until.ts'
import { controlAccess } from './control.ts'

/** A headless node from source on loopback, in a process and a folder of its own, with its control API. */
export class DashboardNode {
  readonly dataDir: string
  #node: Command
  readonly #flags: readonly string[]
  readonly #cleanUp: () => Promise<void>

  private constructor(dataDir: string, flags: readonly string[], cleanUp: () => Promise<void>) {
    this.dataDir = dataDir
    this.#flags = flags
    this.#cleanUp = cleanUp
    this.#node = startNode(dataDir, flags)
  }

  /** Without limits, unless these settings say otherwise: they stand in its file, so that a page may change them. */
  static async start(
    settings: Partial<Settings> = {},
    flags: readonly string[] = []
  ): Promise<DashboardNode> {
    const folder = await temporaryFolder()
    saveSettings(path.join(folder.dir, 'settings.json'), { ...unlimited, ...settings })
    const node = new DashboardNode(folder.dir, flags, () => folder[Symbol.asyncDispose]())
    await node.#answers()
    return node
  }

  get pid(): number {
    return this.#node.pid
  }

  /** Its control API, with the token of its data folder. */
  get control(): ControlClient {
    const access = controlAccess(this.dataDir)
    if (access === undefined) throw new Error('the node has no control API')
    return createClient({ access, stillRuns: async () => this.#node.running })
  }

  /** What a client dials, once it listens. */
  async address(kind: Kind = 'tcp'): Promise<string> {
    let addresses: string[] = []
    await until('the node listens', async () => {
      addresses = (await this.control.call('status')).addresses.map(({ address }) => address)
      return addresses.length > 0
    })
    return addressOf(addresses, kind)
  }

  /** A one-time link to its dashboard. */
  async link(): Promise<string> {
    return (await this.control.openDashboard()).url
  }

  /** Kills it, as a power cut does. */
  async kill(): Promise<void> {
    await this.#node.kill('SIGKILL')
  }

  /** Starts it again on its folder, after it was killed. */
  async startAgain(flags = this.#flags): Promise<void> {
    this.#node = startNode(this.dataDir, flags)
    await this.#answers()
  }

  async #answers(): Promise<void> {
    const isOurs = (): boolean => controlAccess(this.dataDir)?.pid === this.#node.pid
    await until('the node answers', () => isOurs() || !this.#node.running, 30)
    if (!this.#node.running) throw new Error(`the node ended: ${(await this.#node.finished).stderr}`)
    await this.control.call('status')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    await this.#cleanUp()
  }
}

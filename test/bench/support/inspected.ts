import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/**
 * Evaluates in a process that was started with --inspect=0, and is gone in between. For measuring Electron: what drives
 * its pages as well (Playwright) keeps them from being hidden.
 */
export class Inspected {
  readonly #url: string

  private constructor(url: string) {
    this.#url = url
  }

  static async of(child: ChildProcess): Promise<Inspected> {
    const found = Promise.withResolvers<string>()
    createInterface({ input: child.stderr! }).on('line', line => {
      const [, url] = /^Debugger listening on (ws:\S+)$/.exec(line) ?? []
      if (url !== undefined) found.resolve(url)
    })
    child.once('exit', () => found.reject(new Error('it ended')))
    return new Inspected(await found.promise)
  }

  /** What a script gives, as JSON; `require` is there. */
  async evaluate(expression: string): Promise<unknown> {
    const socket = new WebSocket(this.#url)
    try {
      await once(socket, 'open')
      const params = { expression, includeCommandLineAPI: true, awaitPromise: true, returnByValue: true }
      socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params }))
      const [{ data }] = (await once(socket, 'message')) as [{ data: string }]
      type Answer = { result?: { result: { value?: unknown }; exceptionDetails?: { text: string } } }
      const { result } = JSON.parse(data) as Answer
      if (result?.exceptionDetails !== undefined) throw new Error(result.exceptionDetails.text)
      return result?.result.value
    } finally {
      socket.close()
    }
  }
}

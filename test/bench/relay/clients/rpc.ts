import type { ChildProcess } from 'node:child_process'

/** Calls of an object's methods in another process. */

interface Request {
  id: number
  method: string
  args: unknown[]
}
interface Answer {
  id: number
  result?: unknown
  error?: string
}
type Args<F> = F extends (...args: infer A) => Promise<unknown> ? A : never
type ResultOf<F> = F extends (...args: never[]) => Promise<infer R> ? R : never

/** In the child: answers its parent, and ends with it. */
export function serve(target: object): void {
  const methods = target as Record<string, (...args: unknown[]) => Promise<unknown>>
  process.on('message', ({ id, method, args }: Request) => {
    const answer = (rest: Partial<Answer>): void => void process.send?.({ id, ...rest })
    Promise.resolve(methods[method]?.(...args)).then(
      result => answer({ result }),
      (error: unknown) =>
        answer({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    )
  })
  process.on('disconnect', () => process.exit())
}

/** In the parent. */
export class Remote<T> {
  readonly child: ChildProcess
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  #last = 0

  constructor(child: ChildProcess) {
    this.child = child
    child.on('message', ({ id, result, error }: Answer) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiting?.resolve(result)
      else waiting?.reject(new Error(`in a client process: ${error}`))
    })
    child.once('exit', code => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`a client process ended: ${code}`))
    })
  }

  async call<M extends keyof T & string>(method: M, ...args: Args<T[M]>): Promise<ResultOf<T[M]>> {
    const id = ++this.#last
    const answer = Promise.withResolvers<unknown>()
    this.#waiting.set(id, answer)
    this.child.send({ id, method, args } satisfies Request)
    return (await answer.promise) as ResultOf<T[M]>
  }
}

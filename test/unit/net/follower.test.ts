import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Follower } from '../../../app/main/net/follower.ts'
import { defaultsOf, type Settings } from '../../../app/shared/settings.ts'

/** What was done, by the port that was asked for; it takes until the next turn, and fails at port 13. */
function setup() {
  let settings: Settings | undefined = defaultsOf('server')
  const done: string[] = []
  const follower = new Follower(
    {
      settings: () => settings,
      reopen: async wanted => {
        const what = wanted === undefined ? 'closed' : String(wanted['http.port'])
        done.push(`${what}?`)
        await Promise.resolve()
        if (what === '13') throw new Error('a port that fails')
        done.push(what)
      }
    },
    { madeOf: ['http.port'], opens: each => each['http.enabled'] }
  )
  const want = (changes: Partial<Settings> | undefined): void => {
    settings = changes && { ...defaultsOf('server'), 'http.enabled': true, ...changes }
  }
  want({ 'http.port': 1 })
  return { follower, done, want }
}

describe('what follows the settings', () => {
  it('is opened anew with other values, one after the other, and left alone with the same', async () => {
    const { follower, done, want } = setup()
    const started = follower.start()
    for (const port of [1, 2, 2, 1]) {
      want({ 'http.port': port, 'log.level': 'debug' })
      follower.follow()
    }
    await started
    await follower.inTurn(async () => void done.push('task'))
    expect(done).toEqual(['1?', '1', '2?', '2', '1?', '1', 'task'])
  })

  it('is closed and opened again, however quickly that is asked for', async () => {
    const { follower, done, want } = setup()
    await follower.start()
    for (const settings of [{ 'http.enabled': false }, {}, undefined, { 'http.port': 1 }]) {
      want(settings && { 'http.port': 1, ...settings })
      follower.follow()
    }
    await follower.inTurn(async () => {})
    expect(done.filter(each => !each.endsWith('?'))).toEqual(['1', 'closed', '1', 'closed', '1'])
  })

  it('follows nothing before its start or after its stop', async () => {
    const { follower, done, want } = setup()
    follower.follow()
    await follower.close()
    expect(done).toEqual([])
    await follower.start()
    await follower.stop()
    want({ 'http.port': 2 })
    follower.follow()
    await follower.inTurn(async () => {})
    expect(done).toEqual(['1?', '1', 'closed?', 'closed'])
  })

  it('tells its start of a failure, and goes on with the next change', async () => {
    const { follower, done, want } = setup()
    want({ 'http.port': 13 })
    await expect(follower.start()).rejects.toThrow('a port that fails')
    want({ 'http.port': 1 })
    follower.follow()
    await follower.inTurn(async () => {})
    expect(done).toEqual(['13?', '1?', '1'])
  })

  it('tries again what could not be opened, unless it follows other settings by then or has stopped', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const { follower, done, want } = setup()
    await follower.start()
    follower.tryAgain()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(done).toEqual(['1?', '1', '1?', '1'])
    follower.tryAgain()
    want({ 'http.port': 2 })
    follower.follow()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(done.slice(4)).toEqual(['2?', '2'])
    follower.tryAgain()
    await follower.stop()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(done.slice(6)).toEqual(['closed?', 'closed'])
  })
})

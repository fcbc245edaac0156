import type { IpcMain } from 'electron'
import { describe, expect, it, vi } from 'vitest'
import { openIpc } from '../../../app/main/desktop/ipc.ts'
import { AppError } from '../../../app/shared/errors.ts'
import type { Shell } from '../../../app/shared/shell.ts'

type Handler = (event: unknown, ...args: unknown[]) => unknown

function open(shell: Partial<Record<keyof Shell, (request: never) => Promise<unknown>>> = {}) {
  const handlers = new Map<string, Handler>()
  const keep = (channel: string, handler: Handler): void => void handlers.set(channel, handler)
  const call = vi.fn(async (method: string, request: unknown) => ({
    ok: true as const,
    value: [method, request]
  }))
  const add = vi.fn()
  const log = { warn: vi.fn(), error: vi.fn() }
  openIpc({
    ipcMain: { handle: keep, on: keep } as unknown as IpcMain,
    node: { call },
    shell: shell as unknown as Shell,
    ports: { add },
    isOurs: event => (event as { ours?: boolean }).ours === true,
    log
  })
  const invoke = (method: unknown, request?: unknown, ours = true): unknown =>
    handlers.get('waystation:call')?.({ ours }, method, request)
  const subscribe = (event: object, options?: unknown): unknown =>
    handlers.get('waystation:subscribe')?.(event, options)
  return { invoke, subscribe, call, add, log }
}

describe('messages from the window', () => {
  it("pass the Api's methods on", async () => {
    expect(await open().invoke('status', {})).toEqual({ ok: true, value: ['status', {}] })
  })

  it('are refused from anyone else, before anything is called', async () => {
    const quit = vi.fn(async () => undefined)
    const { invoke, call } = open({ quit })
    for (const method of ['status', 'shell.quit']) {
      expect(await invoke(method, {}, false)).toMatchObject({ ok: false, error: { code: 'not-authorised' } })
    }
    expect(call).not.toHaveBeenCalled()
    expect(quit).not.toHaveBeenCalled()
  })

  it('get no events as anyone else: their ports are closed', () => {
    const { subscribe, add } = open()
    const port = { close: vi.fn() }
    subscribe({ ours: false, ports: [port] })
    expect(add).not.toHaveBeenCalled()
    expect(port.close).toHaveBeenCalledOnce()
  })

  it('subscribe with a last id that is a text, or none', () => {
    const { subscribe, add } = open()
    subscribe({ ours: true, ports: ['port'] }, { lastId: 'a.7' })
    subscribe({ ours: true, ports: ['port'] }, { lastId: 7 })
    subscribe({ ours: true, ports: ['port'] }, null)
    expect(add.mock.calls).toEqual([
      ['port', 'a.7'],
      ['port', undefined],
      ['port', undefined]
    ])
  })

  it.each([
    ['shell.copy', { text: 5 }],
    ['shell.copy', undefined],
    ['shell.copy', { text: 'a', more: 1 }],
    ['shell.saveText', { name: '../../.bashrc', text: '' }],
    ['shell.saveText', { name: 'a\u0000b', text: '' }],
    ['shell.setStartAtLogin', { on: 'yes' }],
    [7, {}]
  ])('are refused where the request is wrong: %s %j', async (method, request) => {
    expect(await open().invoke(method, request)).toMatchObject({ ok: false, error: { code: 'bad-request' } })
  })

  it.each(['shell.toString', 'shell.__proto__', 'shell.'])(
    'do not reach what is no method: %s',
    async method => {
      const { invoke, call } = open()
      await invoke(method, {})
      // It is for the node to say that there is none.
      expect(call).toHaveBeenCalledWith(method, {})
    }
  )

  it('are answered with the error of what failed, and never with an exception', async () => {
    const known = open({ retry: () => Promise.reject(new AppError('disk-full', 'Make room.')) })
    expect(await known.invoke('shell.retry')).toMatchObject({
      ok: false,
      error: { code: 'disk-full', message: 'Make room.' }
    })
    const unknown = open({ retry: () => Promise.reject(new Error('secret detail')) })
    const answer = await unknown.invoke('shell.retry')
    expect(answer).toMatchObject({ ok: false, error: { code: 'internal' } })
    expect(JSON.stringify(answer)).not.toContain('secret detail')
    expect(unknown.log.error).toHaveBeenCalledOnce()
  })
})

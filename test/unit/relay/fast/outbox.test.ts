import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Outbox, unsealed } from '../../../../app/main/relay/fast/outbox.ts'
import { handOver } from '../../../../app/main/relay/fast/read-end.ts'
import type { Page } from '../../../../app/main/relay/fast/duct.ts'

function outbox() {
  const sent: string[] = []
  const send = (page: Page, start: number, end: number): void => {
    sent.push(page.bytes.toString('latin1', start, end))
    page.release()
  }
  return { sent, box: new Outbox({ headroom: 3, send }, unsealed, error => sent.push(String(error))) }
}

const bytes = (text: string): Buffer => Buffer.from(text)

it('sends what is written in one turn of the event loop at its end, at once', async () => {
  const { box, sent } = outbox()
  box.write(bytes('a'))
  await Promise.resolve()
  box.write(bytes('b'))
  expect(sent).toEqual([])
  await turn()
  expect(sent).toEqual(['ab'])
})

it('sends what is written promptly when all that was read has been handed over', async () => {
  const { box, sent } = outbox()
  handOver(() => {
    for (const text of ['a', 'b']) {
      box.promptly()
      box.write(bytes(text))
    }
    expect(sent).toEqual([])
  })
  expect(sent).toEqual(['ab'])
  box.promptly()
  box.write(bytes('c'))
  expect(sent).toEqual(['ab'])
  await turn()
  expect(sent).toEqual(['ab', 'c'])
})

it('sends promptly behind a reader that failed, and nothing that was closed', () => {
  const [one, other] = [outbox(), outbox()]
  const fails = (): void =>
    handOver(() => {
      for (const { box } of [one, other]) {
        box.promptly()
        box.write(bytes('a'))
      }
      other.box.close()
      throw new Error('the reader')
    })
  expect(fails).toThrow('the reader')
  expect([one.sent, other.sent]).toEqual([['a'], []])
})

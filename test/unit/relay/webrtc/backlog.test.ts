import { describe, expect, it } from 'vitest'
import { Backlog } from '../../../../app/main/relay/webrtc/backlog.ts'

const MiB = 1024 * 1024
const WINDOW = 2 * MiB

describe('the backlog of streams whose senders cannot be stopped', () => {
  it('gives a stream 16 MiB beyond its window, and no more', () => {
    const account = new Backlog().open(WINDOW)
    expect(account.add(18 * MiB)).toBe(true)
    expect(account.add(1)).toBe(false)
  })

  it('gives all of them 64 MiB together', () => {
    const backlog = new Backlog()
    const accounts = Array.from({ length: 4 }, () => backlog.open(WINDOW))
    for (const account of accounts) expect(account.add(18 * MiB)).toBe(true)
    const fifth = backlog.open(WINDOW)
    expect(fifth.add(WINDOW)).toBe(true)
    expect(fifth.add(1)).toBe(false)
  })

  it('takes back what was read, and what a stream that has ended held', () => {
    const backlog = new Backlog()
    const accounts = Array.from({ length: 4 }, () => backlog.open(WINDOW))
    for (const account of accounts) account.add(18 * MiB)
    accounts[0]!.drop(5 * MiB)
    accounts[1]!.close()
    const other = backlog.open(WINDOW)
    expect(other.add(18 * MiB)).toBe(true)
    expect(other.add(1)).toBe(false)
    // Late news of one that has ended count for nothing.
    accounts[1]!.drop(5 * MiB)
    expect(backlog.open(WINDOW).add(8 * MiB)).toBe(false)
  })
})

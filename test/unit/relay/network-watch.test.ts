import { beforeEach, describe, expect, it } from 'vitest'
import { NetworkWatch, type NetworkChange } from '../../../app/main/relay/network-watch.ts'

let now = 0
let networks = ''
let said: NetworkChange[] = []
let watch: NetworkWatch
beforeEach(() => {
  now = 0
  networks = 'eth0 192.168.1.2'
  said = []
  watch = new NetworkWatch({ wallClock: () => now, networks: () => networks })
  watch.onChange(change => said.push(change))
})

async function look(afterSeconds: number): Promise<void> {
  now += afterSeconds * 1000
  await watch.look()
}

describe('the watch over networks', () => {
  it('says nothing while all is as it was', async () => {
    for (let i = 0; i < 5; i++) await look(5)
    expect(said).toEqual([])
  })

  it('says that the addresses are others, once', async () => {
    await look(0)
    networks = 'wlan0 10.0.0.7'
    await look(5)
    await look(5)
    expect(said).toEqual(['networks'])
  })

  it('says that the machine has slept when a look comes much later than the one before', async () => {
    await look(0)
    await look(8 * 3600)
    await look(5)
    expect(said).toEqual(['woke'])
  })

  it('says it once where it woke in another network', async () => {
    await look(0)
    networks = 'wlan0 10.0.0.7'
    await look(600)
    expect(said).toEqual(['woke'])
  })

  it('says nothing to those that listen no more', async () => {
    const heard: NetworkChange[] = []
    const end = watch.onChange(change => heard.push(change))
    end()
    await look(0)
    await look(60)
    expect(heard).toEqual([])
    expect(said).toEqual(['woke'])
  })
})

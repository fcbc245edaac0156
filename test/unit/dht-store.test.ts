import { describe, expect, it } from 'vitest'
import { DHT_STORE_LIMITS, DhtStore } from '../../app/main/relay/dht-store.ts'

type Key = Parameters<DhtStore['get']>[0]
const key = (name: string): Key => ({ toString: () => name }) as unknown as Key
const provider = (cid: string, peer: string): Key => key(`/dht/provider/${cid}/${peer}`)
const value = Uint8Array.of(1)
const names = (store: DhtStore, prefix: string): string[] =>
  [...store.query({ prefix })].map(pair => pair.key.toString())

describe('the DHT store', () => {
  it('finds the providers of one key, and not of a key that begins the same', () => {
    const store = new DhtStore()
    store.put(provider('aaa', 'p1'), value)
    store.put(provider('aaab', 'p2'), value)
    expect(names(store, '/dht/provider/aaa')).toEqual(['/dht/provider/aaa/p1'])
  })

  it('forgets what is deleted, also while it is being read', () => {
    const store = new DhtStore()
    for (const peer of ['p1', 'p2', 'p3']) store.put(provider('a', peer), value)
    for (const pair of store.query({ prefix: '/dht/provider' })) store.delete(pair.key)
    expect(store.sizes).toEqual({ providers: 0, values: 0 })
    expect(() => store.get(provider('a', 'p1'))).toThrow(expect.objectContaining({ name: 'NotFoundError' }))
  })

  it("drops a peer's own oldest record when it stores more than its share", () => {
    const store = new DhtStore({ ...DHT_STORE_LIMITS, providersPerPeer: 2 })
    store.put(provider('other', 'p2'), value)
    for (const cid of ['a', 'b', 'a', 'c']) store.put(provider(cid, 'p1'), value)
    expect(names(store, '/dht/provider')).toEqual([
      '/dht/provider/other/p2',
      '/dht/provider/a/p1',
      '/dht/provider/c/p1'
    ])
  })

  it('makes room for a newcomer when full, and no second place for one that is in', () => {
    const store = new DhtStore({ ...DHT_STORE_LIMITS, providers: 3 })
    for (const peer of ['p1', 'p2', 'p3']) store.put(provider('a', peer), value)
    store.put(provider('b', 'p3'), value)
    expect(names(store, '/dht/provider/a')).toEqual(['/dht/provider/a/p2', '/dht/provider/a/p1'])
    store.put(provider('a', 'p4'), value)
    expect(names(store, '/dht/provider/a')).toEqual(['/dht/provider/a/p4', '/dht/provider/a/p2'])
    expect(store.sizes.providers).toBe(3)
  })

  it('answers with the newest providers of a key, and no more than one answer may hold', () => {
    const store = new DhtStore({ ...DHT_STORE_LIMITS, providersPerAnswer: 2 })
    for (const peer of ['p1', 'p2', 'p3', 'p1']) store.put(provider('a', peer), value)
    expect(names(store, '/dht/provider/a')).toEqual(['/dht/provider/a/p1', '/dht/provider/a/p3'])
  })

  it('keeps the newest values and refuses large ones', () => {
    const store = new DhtStore({ ...DHT_STORE_LIMITS, values: 2, valueBytes: 100 })
    for (const name of ['a', 'b', 'a', 'c']) store.put(key(`/dht/record/${name}`), value)
    expect(store.sizes.values).toBe(2)
    expect(store.get(key('/dht/record/a'))).toBe(value)
    expect(() => store.get(key('/dht/record/b'))).toThrow()
    expect(() => store.put(key('/dht/record/d'), new Uint8Array(100))).toThrow(/too large/)
  })
})

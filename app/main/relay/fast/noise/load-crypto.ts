import { getCiphers } from 'node:crypto'
import type { NoiseCrypto } from './crypto.ts'

let loading: Promise<NoiseCrypto> | undefined

/**
 * The cheapest that this platform has: libsodium costs about 1 us a frame before its first byte, node:crypto 25, and
 * WebAssembly ten times as much for each byte. Loaded when it is first asked for.
 */
export function noiseCrypto(): Promise<NoiseCrypto> {
  return (loading ??= loadSodium().catch(() =>
    getCiphers().includes('chacha20-poly1305') ? loadNode() : loadWasm()
  ))
}

/** Rejects where there is no binary for this platform. */
export const loadSodium = async (): Promise<NoiseCrypto> =>
  (await import('./crypto-sodium.ts')).sodiumCrypto()
/** OpenSSL's; the BoringSSL in Electron does not know the cipher. */
export const loadNode = async (): Promise<NoiseCrypto> => (await import('./crypto-node.ts')).nodeCrypto
export const loadWasm = async (): Promise<NoiseCrypto> => (await import('./crypto-wasm.ts')).wasmCrypto()

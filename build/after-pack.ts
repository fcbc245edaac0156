import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { Arch, type AfterPackContext } from 'electron-builder'

/**
 * electron-builder's hook after it put an app together: an app without the native parts of its platform, or with
 * those of another, fails here and not on someone's computer.
 */
export default async function afterPack(context: AfterPackContext): Promise<void> {
  const { appOutDir, arch, electronPlatformName, packager } = context
  if (arch === Arch.universal) return
  // What starts apps by their folder, in an Electron that is not from a zip.
  await rm(path.join(packager.getResourcesDir(appOutDir), 'default_app.asar'), { force: true })
  const unpacked = path.join(packager.getResourcesDir(appOutDir), 'app.asar.unpacked')
  const files = await readdir(unpacked, { recursive: true })
  const found = files.map(file => file.replaceAll('\\', '/')).filter(file => file.endsWith('.node'))
  // The halves of a universal app are put together in folders of their own, and carry the binaries of both.
  const isHalf = electronPlatformName === 'darwin' && path.basename(appOutDir).includes('universal')
  const target = `${electronPlatformName}-${isHalf ? 'universal' : Arch[arch]}`
  const wanted = nativeFiles(target)
  const missing = wanted.filter(pattern => !found.some(file => pattern.test(file)))
  // On macOS the other processor's may be there as well: they are for the universal app.
  const allowed = electronPlatformName === 'darwin' ? nativeFiles('darwin-universal') : wanted
  const strange = found.filter(file => !allowed.some(pattern => pattern.test(file)))
  if (missing.length + strange.length === 0) return
  throw new Error(
    `${target}: the packaged app lacks [${missing.map(String).join(', ')}] and has too much [${strange.join(', ')}]. ` +
      'build/natives.ts brings what is missing.'
  )
}

/** What an app for a platform must carry, and nothing besides. */
export function nativeFiles(target: string): RegExp[] {
  const [platform = '', arch = ''] = target.split('-')
  // One binary for both.
  const level = platform === 'darwin' ? String.raw`darwin-x64\+arm64` : target
  const patterns = [new RegExp(`^node_modules/classic-level/prebuilds/${level}/[^/]+\\.node$`)]
  // All platforms' come in one package, which no install changes.
  const sodium = (name: string): RegExp =>
    new RegExp(`^node_modules/sodium-native/prebuilds/${name}/[^/]+\\.node$`)
  if (target === 'darwin-universal') patterns.push(sodium('darwin-x64'), sodium('darwin-arm64'))
  else patterns.push(sodium(target))
  const quic = (name: string): RegExp =>
    new RegExp(`^node_modules/@chainsafe/libp2p-quic-${name}/[^/]+\\.node$`)
  if (platform === 'linux') patterns.push(quic(`linux-${arch}-gnu`))
  if (target === 'darwin-universal') patterns.push(quic('darwin-x64'), quic('darwin-arm64'))
  else if (platform === 'darwin') patterns.push(quic(target))
  // No QUIC is built for Windows on ARM: that app goes by TCP and WebSocket, and says so.
  if (target === 'win32-x64') patterns.push(quic('win32-x64-msvc'))
  const webRtc = (name: string): RegExp => new RegExp(`^node_modules/@node-datachannel/${name}/[^/]+\\.node$`)
  if (target === 'darwin-universal') patterns.push(webRtc('darwin-x64'), webRtc('darwin-arm64'))
  else patterns.push(webRtc(`${target}${{ linux: '-gnu', win32: '-msvc' }[platform] ?? ''}`))
  return patterns
}

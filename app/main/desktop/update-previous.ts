import { createWriteStream } from 'node:fs'
import { chmod, mkdtemp, rename, rm } from 'node:fs/promises'
import type { KeyObject } from 'node:crypto'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { AppError, messageOf } from '../../shared/errors.ts'
import type { Previous } from './start-record.ts'
import { fetchSignature } from './update-engine.ts'
import { verifyUpdate } from './update-signature.ts'
import { isWebAddress } from './update-support.ts'

export interface PreviousComponents {
  /** Electron's net.fetch. */
  fetch: (url: string) => Promise<Response>
  /** Electron's shell. */
  openExternal: (url: string) => Promise<void>
  showItemInFolder: (file: string) => void
}

export interface PreviousOptions {
  /** Where the person's downloads go: app.getPath('downloads'). */
  downloads: string
  /** Of Linux updates; undefined: nothing can be verified here. */
  key: KeyObject | undefined
  /** Where a person gets versions. */
  page: string | undefined
}

/**
 * Gets the installer of the version before. An AppImage is downloaded, verified and shown in its folder. Elsewhere the
 * browser gets it, which marks it so that the system checks its signature when it is opened.
 * @throws AppError update-failed, update-unverified
 */
export async function getPrevious(
  components: PreviousComponents,
  options: PreviousOptions,
  previous: Previous
): Promise<void> {
  const { url } = previous
  if (url?.endsWith('.AppImage') === true && options.key !== undefined) {
    const file = await download(components.fetch, options.downloads, url, previous.version, options.key)
    return components.showItemInFolder(file)
  }
  const place = url !== undefined && isWebAddress(url) ? url : options.page
  if (place === undefined) {
    const message = `This build does not know where version ${previous.version} is. Get it from where you got Waystation.`
    throw new AppError('update-failed', message)
  }
  await components.openExternal(place)
}

async function download(
  fetch: PreviousComponents['fetch'],
  downloads: string,
  url: string,
  version: string,
  key: KeyObject
): Promise<string> {
  const name = path.posix.basename(decodeURIComponent(new URL(url).pathname))
  const signature = await fetchSignature(fetch, `${url}.sig`)
  const temporary = await mkdtemp(path.join(downloads, '.waystation-'))
  try {
    const part = path.join(temporary, 'part')
    await load(fetch, url, part)
    await verifyUpdate(part, { version, name }, signature, key)
    await chmod(part, 0o755)
    const file = path.join(downloads, name)
    await rename(part, file)
    return file
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

async function load(fetch: PreviousComponents['fetch'], url: string, file: string): Promise<void> {
  try {
    const response = await fetch(url)
    if (!response.ok || response.body === null) throw new Error(`the server says ${response.status}`)
    await pipeline(Readable.fromWeb(response.body), createWriteStream(file, { flags: 'wx' }))
  } catch (error) {
    const message = `The version before could not be downloaded: ${messageOf(error)}. Try again later.`
    throw new AppError('update-failed', message, {}, error)
  }
}

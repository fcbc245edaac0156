import path from 'node:path'
import type { KeyObject } from 'node:crypto'
import type { AppImageUpdater, AppUpdater, UpdateInfo } from 'electron-updater'
import { AppError, messageOf } from '../../shared/errors.ts'
import type { Log } from '../observe/log.ts'
import { installAppImage, stageAppImage, type StagedAppImage } from './update-appimage.ts'
import { unverified, verifyUpdate } from './update-signature.ts'

/** A version that was found. */
export interface FoundUpdate {
  version: string
  /** Where the installer of the running version should be, in the same place under its own name. */
  currentUrl?: string
}

/** Finds, gets and installs updates; what it gives to be installed is verified. */
export interface UpdateEngine {
  /** @throws AppError update-failed */
  check(): Promise<FoundUpdate | undefined>
  /** Downloads what check found, and verifies it. @throws AppError update-failed, update-unverified */
  download(onPercent: (percent: number) => void): Promise<void>
  /** Puts it in the place of this version and ends the app, which then starts again. The node must be stopped. */
  install(): Promise<void>
}

/** Sent instead of the id that electron-updater would make up for each installation. */
const NOBODY = '00000000-0000-5000-8000-000000000000'

/**
 * What we ask of every updater: nothing by itself, nothing that tells installations apart, never an older version.
 * `stagingUserIdPromise` is electron-updater's own: left alone it writes an id to the disk and sends it at each check.
 */
export function prepareUpdater(updater: AppUpdater, log: Pick<Log, 'debug' | 'warn'>): void {
  updater.autoDownload = false
  updater.autoInstallOnAppQuit = false
  updater.allowDowngrade = false
  updater.allowPrerelease = false
  updater.disableWebInstaller = true
  // Whether this installation may look is decided already (update-support.ts); packages of Linux may, too.
  updater.forceDevUpdateConfig = true
  updater.isUserWithinRollout = () => true
  updater.requestHeaders = { 'x-user-staging-id': NOBODY }
  const inner = updater as unknown as { stagingUserIdPromise: { value: Promise<string> } }
  inner.stagingUserIdPromise = { value: Promise.resolve(NOBODY) }
  const quiet = (message?: unknown): void => log.debug({ message }, 'updater')
  // Errors reach the caller as well, who tells them in our words.
  updater.logger = { info: quiet, debug: quiet, warn: quiet, error: quiet }
}

/** Where the file of a found version is; by the provider, which knows its own addresses. */
function resolvedFiles(updater: AppUpdater, info: UpdateInfo): URL[] {
  const inner = updater as unknown as {
    updateInfoAndProvider?: { provider: { resolveFiles(info: UpdateInfo): { url: URL }[] } }
  }
  return inner.updateInfoAndProvider?.provider.resolveFiles(info).map(({ url }) => url) ?? []
}

async function findWith(updater: AppUpdater): Promise<UpdateInfo | undefined> {
  try {
    const result = await updater.checkForUpdates()
    return result?.isUpdateAvailable === true ? result.updateInfo : undefined
  } catch (error) {
    throw failed('New versions could not be looked for', error)
  }
}

async function downloadWith(updater: AppUpdater, onPercent: (percent: number) => void): Promise<string> {
  const onProgress = ({ percent }: { percent: number }): void => onPercent(percent)
  updater.on('download-progress', onProgress)
  try {
    const [file = ''] = await updater.downloadUpdate()
    return file
  } catch (error) {
    const unsigned = (error as { code?: string }).code === 'ERR_UPDATER_INVALID_SIGNATURE'
    throw unsigned
      ? unverified('The new version is not signed by its authors.', error)
      : failed('The new version could not be downloaded', error)
  } finally {
    updater.off('download-progress', onProgress)
  }
}

function failed(what: string, error: unknown): AppError {
  // electron-updater's messages hold whole answers and stacks; the first line says it.
  const [reason = ''] = messageOf(error).split('\n')
  return new AppError('update-failed', `${what}: ${reason.slice(0, 200)}. Try again later.`, {}, error)
}

/** The same address for another version: its number stands in the file's name, and on GitHub in its folder. */
export function urlOfVersion(url: URL, version: string, other: string): string | undefined {
  return url.pathname.includes(version) ? url.href.replaceAll(version, other) : undefined
}

/** Windows and macOS: the platform's signature is checked by electron-updater and by Squirrel.Mac. */
export function platformEngine(
  components: { updater: AppUpdater },
  options: { version: string; fileEnding: '.exe' | '.dmg' }
): UpdateEngine {
  const { updater } = components
  return {
    async check() {
      const info = await findWith(updater)
      if (info === undefined) return undefined
      const url = resolvedFiles(updater, info).find(({ pathname }) => pathname.endsWith(options.fileEnding))
      const currentUrl = url && urlOfVersion(url, info.version, options.version)
      return { version: info.version, ...(currentUrl !== undefined && { currentUrl }) }
    },
    async download(onPercent) {
      await downloadWith(updater, onPercent)
    },
    async install() {
      // Not silent: Windows shows its installer's progress; then the app starts again.
      updater.quitAndInstall(false, true)
    }
  }
}

export interface AppImageComponents {
  updater: AppImageUpdater
  /** Electron's net.fetch, which goes by the system's proxy. */
  fetch: (url: string) => Promise<Response>
  /** Ends the app; the node is stopped already. */
  exit: () => void
}

export interface AppImageOptions {
  version: string
  /** The file that runs, as APPIMAGE names it. */
  appImage: string
  /** Without one, new versions are found and no more. */
  key: KeyObject | undefined
  /** What the new version is started with. */
  args: readonly string[]
}

/**
 * Linux: electron-updater compares what it loaded with a hash from the same server, which proves nothing. So its file
 * is taken only with a signature of its own (`.sig` beside it), and put in place by us: electron-updater would remove
 * the old one first, and start the new one while this one still runs.
 */
export function appImageEngine(components: AppImageComponents, options: AppImageOptions): UpdateEngine {
  const { updater, fetch, exit } = components
  let found: { version: string; url: URL } | undefined
  let staged: StagedAppImage | undefined
  return {
    async check() {
      const info = await findWith(updater)
      if (info === undefined) return undefined
      const url = resolvedFiles(updater, info).find(({ pathname }) => pathname.endsWith('.AppImage'))
      found = url && { version: info.version, url }
      const currentUrl = url && urlOfVersion(url, info.version, options.version)
      return { version: info.version, ...(currentUrl !== undefined && { currentUrl }) }
    },
    async download(onPercent) {
      const { key } = options
      if (found === undefined || key === undefined)
        throw new AppError('update-failed', 'There is nothing to get.')
      const { version, url } = found
      const signature = await fetchSignature(fetch, `${url.origin}${url.pathname}.sig`)
      const file = await downloadWith(updater, onPercent)
      const name = path.posix.basename(decodeURIComponent(url.pathname))
      staged = await stageAppImage({ file, appImage: options.appImage }, copy =>
        verifyUpdate(copy, { version, name }, signature, key)
      )
    },
    async install() {
      if (staged === undefined) throw new AppError('update-failed', 'Nothing was downloaded to be installed.')
      await installAppImage(staged, options.args)
      staged = undefined
      exit()
    }
  }
}

const LONGEST_SIGNATURE = 1024

/** @throws AppError update-unverified if there is none */
export async function fetchSignature(
  fetch: (url: string) => Promise<Response>,
  url: string
): Promise<string> {
  try {
    const response = await fetch(url)
    const text = response.ok ? await response.text() : ''
    if (text !== '' && text.length <= LONGEST_SIGNATURE) return text
  } catch (error) {
    throw failed('The signature of the new version could not be loaded', error)
  }
  throw unverified('The new version carries no signature.')
}

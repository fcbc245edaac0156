import { readFileSync } from 'node:fs'
import path from 'node:path'

/** What this way of installing can do about a new version. */
export interface UpdateSupport {
  /** `notify`: finds new versions; `cause` says why the person has to get them. `none`: cannot even look. */
  kind: 'install' | 'notify' | 'none'
  cause?: string
  /** Where a person gets new versions. */
  page?: string
}

export interface UpdateSurroundings {
  packaged: boolean
  platform: NodeJS.Platform
  /** The text of app-update.yml, which electron-builder puts beside the app; undefined: there is none. */
  feed: string | undefined
  /** `deb`, `rpm`, …: what the package manager owns. Undefined for an AppImage, and elsewhere. */
  packageType: string | undefined
  appImage: string | undefined
  hasKey: boolean
}

export function updateSupport(at: UpdateSurroundings): UpdateSupport {
  if (!at.packaged) return { kind: 'none', cause: 'Waystation was started from its source.' }
  if (at.feed === undefined)
    return { kind: 'none', cause: 'This build names no place to look for new versions.' }
  const page = pageOf(at.feed)
  const cause = whyByHand(at, at.feed)
  return {
    kind: cause === undefined ? 'install' : 'notify',
    ...(cause !== undefined && { cause }),
    ...(page !== undefined && { page })
  }
}

function whyByHand(
  { platform, packageType, appImage, hasKey }: UpdateSurroundings,
  feed: string
): string | undefined {
  if (platform === 'darwin') return undefined
  if (platform === 'win32') {
    // Without a name electron-updater takes any installer.
    return field(feed, 'publisherName') === undefined
      ? 'This build names no publisher whose signature an update must carry.'
      : undefined
  }
  if (packageType !== undefined)
    return `It was installed as a ${packageType} package: install the new one the same way.`
  if (appImage === undefined) return 'It does not run from an AppImage, so there is nothing to replace.'
  return hasKey ? undefined : 'This build has no key to check an update with.'
}

/** A page, or at least the place, of the feed. Only https: it is opened in the browser. */
function pageOf(feed: string): string | undefined {
  const owner = field(feed, 'owner')
  const repo = field(feed, 'repo')
  if (field(feed, 'provider') === 'github' && owner !== undefined && repo !== undefined) {
    return `https://github.com/${owner}/${repo}/releases`
  }
  const url = field(feed, 'url')
  return url !== undefined && isWebAddress(url) ? url : undefined
}

/** Whether the browser may be given it. */
export function isWebAddress(url: string): boolean {
  return URL.canParse(url) && new URL(url).protocol === 'https:'
}

/** A key of the first level, with its value or what it lists. The file is electron-builder's own, and flat. */
function field(yaml: string, key: string): string | undefined {
  const value = new RegExp(`^${key}:[ \\t]*(\\S.*|(?:\\r?\\n[ \\t]*-[ \\t]*.+)+)`, 'm').exec(yaml)?.[1]
  return value?.trim().replace(/^(['"])(.*)\1$/, '$2')
}

/** As the installed app finds it. */
export function surroundings(resourcesPath: string, packaged: boolean, hasKey: boolean): UpdateSurroundings {
  const read = (name: string): string | undefined => {
    try {
      return readFileSync(path.join(resourcesPath, name), 'utf8')
    } catch {
      return undefined
    }
  }
  return {
    packaged,
    platform: process.platform,
    feed: read('app-update.yml'),
    packageType: process.platform === 'linux' ? read('package-type')?.trim() : undefined,
    appImage: process.env['APPIMAGE'],
    hasKey
  }
}

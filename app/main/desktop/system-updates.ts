import { app, net, shell as system } from 'electron'
import type { Log } from '../observe/log.ts'
import { appImageEngine, platformEngine, prepareUpdater, type UpdateEngine } from './update-engine.ts'
import { UPDATE_PUBLIC_KEY } from './update-key.ts'
import { getPrevious } from './update-previous.ts'
import { updateKey } from './update-signature.ts'
import { surroundings, updateSupport } from './update-support.ts'
import type { Previous } from './start-record.ts'
import { createUpdates, type Updates, type UpdatesComponents } from './update.ts'

export interface SystemUpdatesComponents extends Omit<
  UpdatesComponents,
  'engine' | 'openExternal' | 'getPrevious' | 'log'
> {
  log: Log
  /** Ends the app; the node is stopped already. */
  exit: () => void
}

export interface SystemUpdatesOptions {
  version: string
  /** What the new version is started with. */
  args: readonly string[]
}

/** Updates as this platform and this way of installing have them. */
export async function createSystemUpdates(
  components: SystemUpdatesComponents,
  options: SystemUpdatesOptions
): Promise<Updates> {
  const key = updateKey(UPDATE_PUBLIC_KEY)
  const support = updateSupport(surroundings(process.resourcesPath, app.isPackaged, key !== undefined))
  const fetch = (url: string): Promise<Response> => net.fetch(url)
  const openExternal = (url: string): Promise<void> => system.openExternal(url)
  const previousOptions = { downloads: app.getPath('downloads'), key, page: support.page }
  return createUpdates(
    {
      ...components,
      engine: support.kind === 'none' ? undefined : await createEngine(components, options),
      openExternal,
      getPrevious: (previous: Previous) =>
        getPrevious(
          { fetch, openExternal, showItemInFolder: file => system.showItemInFolder(file) },
          previousOptions,
          previous
        )
    },
    { support }
  )
}

/** electron-updater is loaded only where it is of use. */
async function createEngine(
  { log, exit }: SystemUpdatesComponents,
  { version, args }: SystemUpdatesOptions
): Promise<UpdateEngine> {
  const { AppImageUpdater, MacUpdater, NsisUpdater } = (await import('electron-updater')).default
  if (process.platform === 'linux') {
    const updater = new AppImageUpdater()
    prepareUpdater(updater, log)
    const appImage = process.env['APPIMAGE'] ?? ''
    const fetch = (url: string): Promise<Response> => net.fetch(url)
    return appImageEngine(
      { updater, fetch, exit },
      { version, appImage, key: updateKey(UPDATE_PUBLIC_KEY), args }
    )
  }
  const isMac = process.platform === 'darwin'
  const updater = isMac ? new MacUpdater() : new NsisUpdater()
  prepareUpdater(updater, log)
  return platformEngine({ updater }, { version, fileEnding: isMac ? '.dmg' : '.exe' })
}

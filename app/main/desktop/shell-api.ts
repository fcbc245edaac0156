import type { Clipboard } from 'electron'
import { AppError } from '../../shared/errors.ts'
import type { Shell, ShellInfo } from '../../shared/shell.ts'
import type { PersonFiles } from './person-files.ts'

export interface ShellApiComponents {
  info: () => ShellInfo
  node: { start(): Promise<void> }
  files: Pick<PersonFiles, 'save' | 'open'>
  /** Resolves with why the folder cannot be shown, or nothing. */
  showFolder: (folder: string) => Promise<string>
  clipboard: Pick<Clipboard, 'writeText'>
  setStartAtLogin: (on: boolean) => unknown
  updates: {
    check(): Promise<unknown>
    install(): Promise<unknown>
    offerPrevious(): Promise<unknown>
  }
  quit: () => void
}

/** What the window may ask of the desktop. */
export function createShellApi(components: ShellApiComponents, { dataDir }: { dataDir: string }): Shell {
  const { info, node, files, showFolder, clipboard, setStartAtLogin, updates, quit } = components
  return {
    info: async () => info(),
    retry: async () => {
      await node.start()
      return info()
    },
    setStartAtLogin: async ({ on }) => {
      await setStartAtLogin(on)
      return info()
    },
    checkForUpdates: async () => {
      await updates.check()
      return info()
    },
    installUpdate: async () => void (await updates.install()),
    offerPrevious: async () => void (await updates.offerPrevious()),
    showDataFolder: async () => {
      const problem = await showFolder(dataDir)
      if (problem === '') return
      throw new AppError('file-unreadable', `The folder ${dataDir} cannot be shown: ${problem}`)
    },
    saveText: async ({ name, text }) => ({ saved: await files.save(name, text) }),
    openText: async ({ title }) => files.open(title),
    copy: async ({ text }) => clipboard.writeText(text),
    // Answered first: the window is gone soon after.
    quit: async () => void setTimeout(quit, 0)
  }
}

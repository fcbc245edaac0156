import { open } from 'node:fs/promises'
import path from 'node:path'
import type { BrowserWindow, Dialog, OpenDialogOptions, SaveDialogOptions } from 'electron'
import { AppError, messageOf, systemCode } from '../../shared/errors.ts'
import { replaceWhole } from '../relay/whole-file.ts'

export interface PersonFilesComponents {
  dialog: Pick<Dialog, 'showSaveDialog' | 'showOpenDialog'>
  /** The window that the dialogs belong to. */
  window: () => BrowserWindow | undefined
}

export interface PersonFilesOptions {
  /** Nothing is written there: a backup saved over the key would be the end of both. */
  dataDir: string
  /** Where the dialogs begin. */
  documents: string
}

const PRIVATE = 0o600
const MOST_BYTES = 1024 * 1024

/** Files that the person chooses in a dialog: the window names neither path. */
export class PersonFiles {
  readonly #components: PersonFilesComponents
  readonly #options: PersonFilesOptions

  constructor(components: PersonFilesComponents, options: PersonFilesOptions) {
    this.#components = components
    this.#options = options
  }

  /** False if the person gave up. @throws AppError file-unwritable, disk-full */
  async save(name: string, text: string): Promise<boolean> {
    const { documents, dataDir } = this.#options
    const { dialog, window } = this.#components
    const asked: SaveDialogOptions = {
      defaultPath: path.join(documents, name),
      properties: ['showOverwriteConfirmation']
    }
    const owner = window()
    const answer = await (owner === undefined
      ? dialog.showSaveDialog(asked)
      : dialog.showSaveDialog(owner, asked))
    if (answer.canceled || !answer.filePath) return false
    const file = path.resolve(answer.filePath)
    if (isInside(file, dataDir)) {
      const message = `${dataDir} is Waystation's own folder. Choose another one.`
      throw new AppError('file-unwritable', message, { file })
    }
    await replaceWhole(file, text, PRIVATE).catch((error: unknown) => {
      throw writeProblem(file, error)
    })
    return true
  }

  /** Null if the person gave up. @throws AppError file-unreadable */
  async open(title: string): Promise<{ name: string; text: string } | null> {
    const { dialog, window } = this.#components
    const asked: OpenDialogOptions = {
      title,
      defaultPath: this.#options.documents,
      properties: ['openFile']
    }
    const owner = window()
    const answer = await (owner === undefined
      ? dialog.showOpenDialog(asked)
      : dialog.showOpenDialog(owner, asked))
    const [file] = answer.filePaths
    return answer.canceled || file === undefined
      ? null
      : { name: path.basename(file), text: await readText(file) }
  }
}

/** Not more than the limit is read, whatever the file says of its size. */
async function readText(file: string): Promise<string> {
  try {
    const handle = await open(file, 'r')
    try {
      const buffer = new Uint8Array(MOST_BYTES + 1)
      let length = 0
      for (;;) {
        const { bytesRead } = await handle.read(buffer, length, buffer.length - length)
        length += bytesRead
        if (bytesRead === 0 || length === buffer.length) break
      }
      if (length > MOST_BYTES) throw new Error('it is larger than 1 MiB')
      return new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, length))
    } finally {
      await handle.close()
    }
  } catch (error) {
    const why = error instanceof TypeError ? 'it is no text' : messageOf(error)
    throw new AppError('file-unreadable', `${file} cannot be read: ${why}.`, { file }, error)
  }
}

function isInside(file: string, folder: string): boolean {
  const way = path.relative(folder, file)
  return way !== '' && !way.startsWith('..') && !path.isAbsolute(way)
}

function writeProblem(file: string, error: unknown): AppError {
  const code = systemCode(error)
  if (code !== 'ENOSPC' && code !== 'EDQUOT') {
    return new AppError('file-unwritable', `${file} cannot be written: ${messageOf(error)}.`, { file }, error)
  }
  const message = `The disk is full: ${file} cannot be written. Free some space, or choose another place.`
  return new AppError('disk-full', message, { file }, error)
}

import type { Dialog } from 'electron'
import { messageOf } from '../../shared/errors.ts'
import type { DesktopTexts } from './texts.ts'
import type { Updates } from './update.ts'

export interface GoBackComponents {
  /** Electron's. */
  dialog: Pick<Dialog, 'showMessageBox'>
  updates: Pick<Updates, 'info' | 'offerPrevious'>
}

export interface GoBackOptions {
  version: string
  texts: DesktopTexts
}

/**
 * After two failed starts, offers the version before. In a dialog of the system's: the window may be what fails. The
 * window offers it as well, by `UpdateInfo.previous`.
 */
export async function offerToGoBack(
  { dialog, updates }: GoBackComponents,
  { version, texts }: GoBackOptions
): Promise<void> {
  const { previous } = updates.info
  if (previous === undefined) return
  const say = texts.previous
  const { response } = await dialog.showMessageBox({
    type: 'warning',
    message: say.message(version),
    detail: say.detail(previous),
    buttons: [say.goOn, say.get(previous)],
    defaultId: 0,
    cancelId: 0
  })
  if (response !== 1) return
  try {
    await updates.offerPrevious()
  } catch (error) {
    // Not showErrorBox: until it is closed nothing goes on in this process, and the node runs in it.
    await dialog.showMessageBox({ type: 'error', message: texts.app, detail: messageOf(error) })
  }
}

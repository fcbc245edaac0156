import { messageOf } from '../../../shared/errors.ts'
import { DONE, FAILED } from './exit-codes.ts'
import { openInBrowser } from './open-in-browser.ts'
import type { Run } from './run-context.ts'
import { localTime } from './text.ts'

/** `dashboard`: the link alone on stdout, so that a script may take it. */
export async function dashboard(run: Run): Promise<number> {
  const client = await run.connect()
  const link = await client.openDashboard()
  await run.answer(link, () => [link.url])
  if (!link.built) {
    await run.tell('The pages of the dashboard are not built yet: run `npm run build` in the clone first.')
  }
  if (run.has('open')) {
    try {
      await openInBrowser(link.url)
    } catch (error) {
      await run.tell(`No browser could be opened (${messageOf(error)}). Open the link yourself.`)
      return FAILED
    }
  }
  if (!run.json) await run.tell(`Open it until ${localTime(link.expiresAt)}; it works once.`)
  return DONE
}

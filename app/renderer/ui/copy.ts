import type { Client } from '../client/client.ts'

/** Puts text on the clipboard: through the desktop app, whose window may ask for no permission, or the browser. */
export async function copyText(text: string, { shell }: Client): Promise<void> {
  if (shell !== undefined) return shell.copy({ text })
  await navigator.clipboard.writeText(text)
}

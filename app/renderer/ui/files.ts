import type { Client } from '../client/client.ts'

/** No network file and no backup is larger. */
const MOST_BYTES = 1024 * 1024

/** Asks for a text file: by the desktop app's own dialog, or the browser's. Undefined if the person gave up. */
export async function openText(
  title: string,
  { shell }: Client
): Promise<{ name: string; text: string } | undefined> {
  if (shell !== undefined) return (await shell.openText({ title })) ?? undefined
  const file = await chosenFile()
  return file === undefined ? undefined : { name: file.name, text: await file.slice(0, MOST_BYTES).text() }
}

function chosenFile(): Promise<File | undefined> {
  const input = document.createElement('input')
  input.type = 'file'
  return new Promise(resolve => {
    input.addEventListener('change', () => resolve(input.files?.[0]))
    input.addEventListener('cancel', () => resolve(undefined))
    input.click()
  })
}

/** Gives the person a text file to keep. False if the person gave up; a browser does not tell. */
export async function saveText(name: string, text: string, { shell }: Client): Promise<boolean> {
  if (shell !== undefined) return (await shell.saveText({ name, text })).saved
  const url = URL.createObjectURL(new Blob([text], { type: 'application/octet-stream' }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The download has begun with the click; the browser reads it in the moments after.
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
  return true
}

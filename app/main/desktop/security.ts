import type { App, Event, Session, WebContents } from 'electron'
import { isOurs } from './origin.ts'

export interface SecurityComponents {
  openExternal: (url: string) => Promise<void>
  log: { warn(values: object, message: string): void }
}

export interface SecurityOptions {
  /** Whose pages may be opened in the person's browser. */
  linkHosts: ReadonlySet<string>
}

/** What could bring something of elsewhere into the window, were a filter's pattern not complete. */
const ELSEWHERE = ['http://*/*', 'https://*/*', 'ws://*/*', 'wss://*/*', 'ftp://*/*', 'file://*']

/** Denies a session all that the renderer has no need of: permissions, devices, downloads, the network. */
export function lockSession(session: Session): void {
  session.setPermissionRequestHandler((_contents, _permission, decide) => decide(false))
  session.setPermissionCheckHandler(() => false)
  session.setDevicePermissionHandler(() => false)
  session.setDisplayMediaRequestHandler((_request, decide) => decide({}))
  session.setBluetoothPairingHandler((_details, decide) => decide({ confirmed: false }))
  session.setSpellCheckerEnabled(false)
  session.on('will-download', event => event.preventDefault())
  session.webRequest.onBeforeRequest({ urls: ELSEWHERE }, (_details, decide) => decide({ cancel: true }))
}

/** Keeps every page of the app, whatever made it, from going or opening elsewhere. */
export function guardContents(
  app: App,
  components: SecurityComponents,
  { linkHosts }: SecurityOptions
): void {
  const { openExternal, log } = components
  app.on('web-contents-created', (_event, contents: WebContents) => {
    const stay = (event: Event, url: string): void => {
      if (isOurs(url)) return
      event.preventDefault()
      log.warn({}, 'the window was kept from leaving its own pages')
    }
    contents.on('will-navigate', event => stay(event, event.url))
    contents.on('will-redirect', event => stay(event, event.url))
    contents.on('will-frame-navigate', event => stay(event, event.url))
    contents.on('will-attach-webview', event => event.preventDefault())
    contents.setWindowOpenHandler(({ url }) => {
      if (isAllowedLink(url, linkHosts)) {
        openExternal(url).catch((error: unknown) => log.warn({ err: error }, 'no browser could be opened'))
      } else log.warn({}, 'a link to elsewhere was not opened')
      return { action: 'deny' }
    })
  })
}

/** Pages of those hosts alone, over https, without a name and password in the address. */
export function isAllowedLink(address: string, hosts: ReadonlySet<string>): boolean {
  if (!URL.canParse(address)) return false
  const { protocol, host, username, password } = new URL(address)
  return protocol === 'https:' && username === '' && password === '' && hosts.has(host)
}

/** The hosts of the project's own addresses, as package.json gives them. */
export function hostsOf(addresses: readonly (string | undefined)[]): Set<string> {
  const urls = addresses
    .filter(each => each !== undefined && URL.canParse(each))
    .map(each => new URL(each ?? ''))
  return new Set(urls.filter(({ protocol }) => protocol === 'https:').map(({ host }) => host))
}

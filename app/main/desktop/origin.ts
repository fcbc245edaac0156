/** Where the window's pages are. A scheme of its own, because file: pages may read other files. */
export const SCHEME = 'app'
export const ORIGIN = `${SCHEME}://waystation`

/** The renderer's page, at a route of its own (`#/overview`). */
export function pageUrl(page?: string): string {
  return `${ORIGIN}/index.html${page === undefined ? '' : `#/${page}`}`
}

/** Whether an address is of the window's own pages. */
export function isOurs(url: string): boolean {
  return url === ORIGIN || url.startsWith(`${ORIGIN}/`)
}

import { PAGES, type Page as Listed } from '../../shared/pages.ts'

export type Page = Listed | 'welcome'

function pageOf(hash: string): Page | undefined {
  const name = hash.replace(/^#\/?/, '').split('/')[0]
  return [...PAGES, 'welcome' as const].find(page => page === name)
}

/** What an address that was typed or broken on its way says is no text: then it stays as it is. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** Where the person is. */
export class Route {
  page = $state<Page>('overview')
  /** What follows the page: `#/settings/quota.bytesPerMonth` -> `quota.bytesPerMonth` */
  part = $state('')

  constructor() {
    const read = (): void => {
      this.page = pageOf(location.hash) ?? 'overview'
      this.part = decoded(location.hash.replace(/^#\/?/, '').split('/').slice(1).join('/'))
    }
    read()
    window.addEventListener('hashchange', read)
  }

  go(page: Page, part = ''): void {
    location.hash = hrefOf(page, part)
  }
}

export function hrefOf(page: Page, part = ''): string {
  return `#/${page}${part === '' ? '' : `/${encodeURIComponent(part)}`}`
}

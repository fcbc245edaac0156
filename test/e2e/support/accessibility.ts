import axe from 'axe-core'
import type { Page } from 'playwright-core'

interface Finding {
  id: string
  impact: string
  help: string
  /** Where, with axe's own words about each place. */
  places: string[]
}

/** What axe-core finds on the page that keeps people out: what it calls serious or critical. */
export async function seriousFindings(page: Page): Promise<Finding[]> {
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: typeof axe }).axe.run(document)
  )
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, impact, help, nodes }) => ({
      id,
      impact: impact ?? '',
      help,
      places: nodes.map(node => `${node.target.join(' ')}: ${node.failureSummary ?? ''}`)
    }))
}

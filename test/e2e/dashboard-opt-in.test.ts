import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createListener } from '../support/clients.ts'
import { until } from '../support/until.ts'
import { browserMissing, figure, goTo, launchBrowser, openDashboard } from './support/browser.ts'
import { DashboardNode } from './support/node.ts'

const HOME_AND_OFF = {
  profile: 'home',
  'relay.enabled': false,
  'relay.rate.totalBytesPerSecond': 1_250_000,
  'quota.bytesPerMonth': 100_000_000_000
} as const

describe.skipIf(browserMissing())('the Welcome page, in a browser', () => {
  let browser: Browser

  beforeAll(async () => (browser = await launchBrowser()))
  afterAll(async () => browser.close())

  it('tells what it costs, and relays with those limits once the person opts in', async () => {
    await using node = await DashboardNode.start(HOME_AND_OFF)
    await using dashboard = await openDashboard(browser, node)
    const { page } = dashboard
    await goTo(page, 'welcome')
    expect(await figure(page, 'cost')).toBe('At most 100 GB a month, 10 Mbit/s')

    // By slider and by number: both ways lead to a limit.
    await page.getByRole('slider', { name: 'Speed, in each direction' }).press('ArrowLeft')
    const rate = await figure(page, 'choice-rate')
    expect(rate).toMatch(/^\d+ Mbit\/s$/)
    await page.getByRole('textbox', { name: 'Data in a month, all together, exactly' }).fill('40')
    expect(await figure(page, 'cost')).toBe(`At most 40 GB a month, ${rate}`)
    await page.getByRole('radio', { name: 'Nobody yet' }).check()
    await page.getByRole('checkbox', { name: /^Port mapping on your router/ }).uncheck()
    expect((await node.control.call('status')).mode.mode).toBe('off')
    await page.getByRole('button', { name: 'Opt in' }).click()
    await page.locator('main[data-page=overview]').waitFor()

    await using client = await createListener(await node.address())
    expect(client.getMultiaddrs()).not.toEqual([])
    const settings = await valuesOf(node)
    expect(settings).toMatchObject({
      'relay.enabled': true,
      'relay.rate.totalBytesPerSecond': Number(rate.split(' ')[0]) * 125_000,
      'quota.bytesPerMonth': 40_000_000_000,
      upnp: false,
      'dht.bootstrap': []
    })
  })

  it('joins the network of a link, after it has said what that is', async () => {
    await using node = await DashboardNode.start(HOME_AND_OFF)
    await using dashboard = await openDashboard(browser, node)
    const { page } = dashboard
    await goTo(page, 'welcome')

    await page.getByRole('radio', { name: 'A network by its link or file' }).check()
    const link = page.getByRole('textbox', { name: 'Link of the network' })
    await link.fill('https://example.org/network')
    expect(await link.getAttribute('aria-invalid')).toBe('true')
    expect(await page.getByRole('button', { name: 'Opt in' }).isDisabled()).toBe(true)
    const peer = '/ip4/127.0.0.1/tcp/9/p2p/12D3KooWQf5Jw6gfZaL8fzN4jcrHr7CqjnE2XYPvEZqUdA8T1rPo'
    await link.fill(`waystation://join?name=Chat&dht=/chat/kad/1.0.0&bootstrap=${peer}`)
    expect(await figure(page, 'network')).toContain('/chat/kad/1.0.0')
    await page.getByRole('checkbox', { name: /^Port mapping on your router/ }).uncheck()
    await page.getByRole('button', { name: 'Opt in' }).click()
    await page.locator('main[data-page=overview]').waitFor()

    await node.address()
    expect(await valuesOf(node)).toMatchObject({
      networks: [{ name: 'Chat', dht: '/chat/kad/1.0.0', bootstrap: [peer] }]
    })
  })

  it('is taken back by one click, which closes every port', async () => {
    await using node = await DashboardNode.start()
    await using dashboard = await openDashboard(browser, node)
    const { page } = dashboard
    await using client = await createListener(await node.address())

    await page.getByText('Relay for others').click()

    await until('the page says off', async () => (await figure(page, 'state')).startsWith('Off.'))
    await until('nobody is connected', () => client.getConnections().length === 0)
    const status = await node.control.call('status')
    expect(status).toMatchObject({ mode: { mode: 'off' }, addresses: [], announced: [] })
  })
})

async function valuesOf(node: DashboardNode): Promise<Record<string, unknown>> {
  const { settings } = await node.control.call('settings')
  return Object.fromEntries(settings.map(({ key, value }) => [key, value]))
}

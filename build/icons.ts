// Makes every icon from resources/icon.svg and the tray's signs below: `npm run icons`. The results are committed,
// because they change seldom; test/unit/packaging.test.ts checks that they are what this makes.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Resvg, type RenderedImage } from '@resvg/resvg-js'
import { icns, ico } from './icon-files.ts'

const ROOT = path.resolve(import.meta.dirname, '..')

const APP_SIZES = [16, 24, 32, 48, 64, 128, 256, 512, 1024]
const ICO_SIZES = [16, 24, 32, 48, 64, 128, 256]
const TRAY_ICO_SIZES = [16, 20, 24, 32, 48]
/** Apple's grid: the rounded square takes 824 of 1024, the rest is air for the shadow that the Dock draws. */
const MAC_SQUARE = 824 / 1024

interface Sign {
  shape: string
  /** Cut out of the shape. */
  hole?: string
}

/**
 * The tray's signs, on a grid of 16. They differ in shape, because colours are lost on many trays and on many
 * people.
 */
const RELAYING: Sign = {
  shape: `<path d="M3 13 13 3" stroke-width="1.7"/><circle cx="8" cy="8" r="4"/>
    <circle cx="2.6" cy="13.4" r="2.1"/><circle cx="13.4" cy="2.6" r="2.1"/>`
}
const PAUSED: Sign = {
  shape: '<circle cx="8" cy="8" r="7"/>',
  hole: '<rect x="5" y="4.5" width="2" height="7"/><rect x="9" y="4.5" width="2" height="7"/>'
}
const OFF: Sign = {
  shape: `<circle cx="8" cy="8" r="4.2" fill="none" stroke-width="1.6"/>
    <circle cx="2.4" cy="13.6" r="1.4"/><circle cx="13.6" cy="2.4" r="1.4"/>`
}
const TROUBLE: Sign = {
  shape: '<path d="M8 2.2 14.4 13.4H1.6Z" stroke-width="2" stroke-linejoin="round"/>',
  hole: '<rect x="7.1" y="5.4" width="1.8" height="4.4"/><circle cx="8" cy="11.8" r="1.05"/>'
}
const SIGNS = { relaying: RELAYING, paused: PAUSED, off: OFF, trouble: TROUBLE }

/** By the theme of the panel it stands on: dark signs on light panels. */
const INK = { light: '#1f2937', dark: '#f9fafb' }
/** macOS colours templates itself, by their alpha. */
const TEMPLATE_INK = '#000000'

function tray({ shape, hole = '' }: Sign, ink: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">
    <mask id="cut"><rect width="16" height="16" fill="#fff"/><g fill="#000">${hole}</g></mask>
    <g fill="${ink}" stroke="${ink}" stroke-width="0" mask="url(#cut)">${shape}</g></svg>`
}

const render = (svg: string, size: number): RenderedImage =>
  new Resvg(svg, { fitTo: { mode: 'width', value: size } }).render()
const png = (svg: string, size: number): Buffer => render(svg, size).asPng()
const icoOf = (svg: string, sizes: readonly number[]): Buffer =>
  ico(sizes.map(size => ({ size, image: render(svg, size) })))

function macIcon(svg: string): string {
  const side = 512 / MAC_SQUARE
  const margin = (side - 512) / 2
  return svg.replace('viewBox="0 0 512 512"', `viewBox="${-margin} ${-margin} ${side} ${side}"`)
}

/** Every icon file by its path in the repository. */
export function makeIcons(): Map<string, Buffer> {
  const svg = readFileSync(path.join(ROOT, 'resources/icon.svg'), 'utf8')
  const files = new Map<string, Buffer>()
  for (const size of APP_SIZES) files.set(`build/icons/${size}x${size}.png`, png(svg, size))
  files.set('build/icon.ico', icoOf(svg, ICO_SIZES))
  files.set(
    'build/icon.icns',
    icns(size => png(macIcon(svg), size))
  )
  for (const [state, sign] of Object.entries(SIGNS)) {
    const template = tray(sign, TEMPLATE_INK)
    files.set(`resources/tray/tray-${state}Template.png`, png(template, 16))
    files.set(`resources/tray/tray-${state}Template@2x.png`, png(template, 32))
    for (const [theme, ink] of Object.entries(INK)) {
      const drawn = tray(sign, ink)
      files.set(`resources/tray/tray-${state}-${theme}.png`, png(drawn, 16))
      files.set(`resources/tray/tray-${state}-${theme}@2x.png`, png(drawn, 32))
      files.set(`resources/tray/tray-${state}-${theme}.ico`, icoOf(drawn, TRAY_ICO_SIZES))
    }
  }
  return files
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, bytes] of makeIcons()) {
    mkdirSync(path.dirname(path.join(ROOT, file)), { recursive: true })
    writeFileSync(path.join(ROOT, file), bytes)
  }
}

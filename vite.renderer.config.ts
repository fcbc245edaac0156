import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

/** The one renderer: the desktop app's window and the headless node's dashboard. */
export default defineConfig({
  root: 'app/renderer',
  base: './',
  plugins: [svelte()],
  build: {
    outDir: '../../out/renderer',
    emptyOutDir: true,
    target: ['chrome130', 'firefox128', 'safari17.4'],
    // The Content-Security-Policy allows no inline code and no data: scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: { index: 'app/renderer/index.html', open: 'app/renderer/open.html' } }
  }
})

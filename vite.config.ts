import { builtinModules } from 'node:module'
import { defineConfig } from 'vite'
import manifest from './package.json' with { type: 'json' }

/** Bundles the headless node to out/main/cli.js; its dependencies stay outside, in node_modules. */
const outside = [...Object.keys(manifest.dependencies), ...builtinModules]

export default defineConfig({
  build: {
    ssr: 'app/main/cli.ts',
    outDir: 'out/main',
    target: 'node22',
    sourcemap: true,
    emptyOutDir: true,
    rolldownOptions: {
      external: id =>
        id.startsWith('node:') || outside.some(name => id === name || id.startsWith(`${name}/`)),
      output: { entryFileNames: 'cli.js', chunkFileNames: 'cli/[name]-[hash].js' }
    }
  }
})

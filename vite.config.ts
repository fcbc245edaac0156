import { builtinModules } from 'node:module'
import { defineConfig } from 'vite'
import manifest from './package.json' with { type: 'json' }

/** Bundles the headless node to out/main/cli.js, and beside its chunks what it starts as a process of its own; its dependencies stay outside, in node_modules. */
const outside = [...Object.keys(manifest.dependencies), ...builtinModules]

export default defineConfig({
  build: {
    ssr: true,
    outDir: 'out/main',
    target: 'node22',
    sourcemap: true,
    emptyOutDir: true,
    rolldownOptions: {
      input: { cli: 'app/main/cli.ts', 'self-test': 'app/main/self-test/worker.ts' },
      external: id =>
        id.startsWith('node:') || outside.some(name => id === name || id.startsWith(`${name}/`)),
      output: {
        entryFileNames: ({ name }) => (name === 'cli' ? 'cli.js' : 'cli/[name].js'),
        chunkFileNames: 'cli/[name]-[hash].js'
      }
    }
  }
})

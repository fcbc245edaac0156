import { readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { defineConfig, type Plugin } from 'vite'

/**
 * Bundles the desktop app's main process and its preload script. Everything is bundled but Electron and the packages
 * with native code, so that the installed app carries no other node_modules.
 */
const NATIVE = ['electron', 'classic-level', '@chainsafe/libp2p-quic', 'node-datachannel', 'sodium-native']
const external = (id: string): boolean =>
  id.startsWith('node:') ||
  builtinModules.includes(id) ||
  NATIVE.some(name => id === name || id.startsWith(`${name}/`))

/** A package that reads its own package.json while it runs would look for it beside the bundle. */
const OWN_MANIFEST = /\b(?:createRequire\(import\.meta\.url\)|require|req)\(['"]([./]+package\.json)['"]\)/g
const inlineManifests: Plugin = {
  name: 'inline-manifests',
  transform(code, id) {
    const inlined = code.replace(
      OWN_MANIFEST,
      (_, file: string) => `(${readFileSync(new URL(file, `file://${id}`), 'utf8')})`
    )
    return inlined === code ? undefined : { code: inlined, map: null }
  }
}

/**
 * tsyringe (@peculiar/x509, @libp2p/tls) looks for reflect-metadata as soon as it is loaded, and leaves the import to
 * whoever uses it: when its users are in several chunks, that one may be loaded later.
 */
const reflectFirst: Plugin = {
  name: 'reflect-first',
  transform(code, id) {
    if (!/\/tsyringe\/dist\/\w+\/index\.js$/.test(id)) return undefined
    return { code: `import 'reflect-metadata'\n${code}`, map: null }
  }
}

export default defineConfig({
  plugins: [inlineManifests, reflectFirst],
  environments: {
    desktop: {
      consumer: 'server',
      resolve: { noExternal: true, conditions: ['node', 'import', 'module', 'default'] },
      build: {
        ssr: true,
        outDir: 'out/desktop',
        emptyOutDir: true,
        // Also runs on Electron 33, with which the tests are made where Electron's own cannot be downloaded.
        target: 'node20',
        sourcemap: true,
        rolldownOptions: {
          input: {
            index: 'app/main/index.ts',
            cli: 'app/main/cli.ts',
            'is-command': 'app/main/desktop/is-command.ts',
            'self-test': 'app/main/self-test/worker.ts'
          },
          external,
          output: {
            // The node looks for it beside its own chunk.
            entryFileNames: ({ name }) => (name === 'self-test' ? 'chunks/[name].js' : '[name].js'),
            chunkFileNames: 'chunks/[name]-[hash].js'
          }
        }
      }
    },
    preload: {
      consumer: 'server',
      build: {
        ssr: true,
        outDir: 'out/preload',
        emptyOutDir: true,
        target: 'node20',
        rolldownOptions: {
          input: { index: 'app/preload/index.ts' },
          external,
          // A sandboxed preload script cannot be an ES module.
          output: { format: 'cjs', entryFileNames: '[name].cjs' }
        }
      }
    }
  },
  builder: {
    async buildApp(builder) {
      for (const name of ['desktop', 'preload']) await builder.build(builder.environments[name]!)
    }
  }
})

/** Who may import whom. The reasons stand in docs/architecture.md. */
const only = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: '^app/', pathNot: [from, ...allowed] }
})
const LIBP2P = '^node_modules/(@libp2p|@multiformats|@chainsafe/libp2p-quic|libp2p)/'

module.exports = {
  forbidden: [
    only(
      'shared-imports-nothing',
      '^app/shared/',
      [],
      'what crosses a process border depends on nothing of ours'
    ),
    {
      name: 'shared-takes-only-zod',
      severity: 'error',
      from: { path: '^app/shared/' },
      to: { dependencyTypes: ['npm', 'core'], pathNot: '^node_modules/zod/' }
    },
    only(
      'relay-imports',
      '^app/main/relay/',
      ['^app/shared/', '^app/main/observe/', '^app/main/net/'],
      'the relay knows no settings file, no command line and no desktop'
    ),
    only(
      'settings-imports',
      '^app/main/settings/',
      ['^app/shared/', '^app/main/observe/'],
      'settings store and validate, nothing else'
    ),
    only(
      'observe-imports',
      '^app/main/observe/',
      ['^app/shared/'],
      'everyone may import observe, so it imports no one'
    ),
    only(
      'api-imports',
      '^app/main/api/',
      ['^app/shared/', '^app/main/net/', '^app/main/observe/'],
      'the Api and its carriers see the services by their types'
    ),
    only('net-imports', '^app/main/net/', ['^app/shared/'], 'everyone may import net, so it imports no one'),
    {
      name: 'libp2p-only-in-relay',
      comment: 'the upstream seam is one folder wide',
      severity: 'error',
      from: { path: '^app/', pathNot: '^app/main/relay/' },
      to: { path: LIBP2P }
    },
    {
      name: 'electron-only-in-desktop',
      severity: 'error',
      from: { path: '^app/', pathNot: '^app/(main/desktop/|preload/|main/index\\.ts)' },
      to: { path: '^node_modules/electron' }
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'app-never-imports-tests', severity: 'error', from: { path: '^app/' }, to: { path: '^test/' } },
    only(
      'preload-imports',
      '^app/preload/',
      ['^app/shared/'],
      'the preload script is a bridge, nothing else'
    ),
    only(
      'renderer-imports',
      '^app/renderer/',
      ['^app/shared/'],
      'the renderer knows the Api, and no main process'
    ),
    {
      name: 'renderer-takes-no-zod',
      comment: 'settings come to the renderer as data; the schema would bring zod along',
      severity: 'error',
      from: { path: '^app/renderer/' },
      to: {
        path: '^(app/shared/settings|app/shared/values|node_modules/zod/)',
        dependencyTypesNot: ['type-only']
      }
    },
    {
      name: 'desktop-is-imported-by-the-entry-alone',
      severity: 'error',
      from: { path: '^app/', pathNot: '^app/main/(desktop/|index\\.ts)' },
      to: { path: '^app/main/desktop/' }
    },
    {
      name: 'app-takes-no-dev-dependency',
      comment:
        'what the desktop and the renderer take is bundled, so that the server package does not depend on it',
      severity: 'error',
      from: { path: '^app/', pathNot: '^app/(main/desktop/|main/index\\.ts|preload/|renderer/)' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] }
    },
    { name: 'nothing-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } }
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types']
    }
  }
}

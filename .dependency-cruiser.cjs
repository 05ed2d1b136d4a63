/**
 * The arrows of the architecture, checked by `npm run arrows`; test/arrows.test.ts breaks each of them on purpose.
 * Imports of types count too (tsPreCompilationDeps) unless a rule says otherwise: what one knows, one depends on.
 */

const npm = '(^|/)node_modules/'
/** Paths of npm packages, whichever file of theirs is meant. Type declarations from @types count as the package itself. */
const packages = (...names) => `${npm}(@types/)?(${names.join('|')})/`
const local = ['local', 'localmodule', 'aliased', 'aliased-tsconfig']
const core = ['core']

/** Packages that become part of a server by being registered. */
const registered = packages('@fastify/(cors|jwt|postgres|redis|swagger|swagger-ui|static|rate-limit|helmet)', 'fastify-socket\\.io')

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'Two files that need each other are one file, or miss a third one that both may need.',
      from: {},
      to: { circular: true }
    },
    {
      name: 'schemas-stand-alone',
      severity: 'error',
      comment: 'What travels is described without knowing who sends it: clients and documents derive from schemas/ alone, outside Node too.',
      from: { path: '^schemas/' },
      to: { pathNot: ['^schemas/', npm] }
    },
    {
      name: 'documents-know-schemas-only',
      severity: 'error',
      comment: 'Documents are a function of what travels: they need no server, no file and no package but the types of TypeBox and of the generator.',
      from: { path: '^documents/' },
      to: { pathNot: ['^documents/', '^schemas/', packages('@sinclair/typebox', '@fastify/swagger')] }
    },
    {
      name: 'services-know-schemas-only',
      severity: 'error',
      comment: 'Rules reach the world through services/ports.ts, never by importing who keeps the promises or who asks.',
      from: { path: '^services/' },
      to: { dependencyTypes: local, pathNot: ['^services/', '^schemas/'] }
    },
    {
      name: 'services-do-no-io',
      severity: 'error',
      comment: 'A rule that opens files or sockets cannot be run without them. Hashing (node:crypto) needs nothing from outside.',
      from: { path: '^services/' },
      to: { dependencyTypes: core, pathNot: '^(node:)?crypto$' }
    },
    {
      name: 'services-without-packages',
      severity: 'error',
      comment: 'No framework, transport or driver in the rules: only TypeBox for types, @fastify/error in errors.ts, stopword in words.ts.',
      from: { path: '^services/', pathNot: '^services/(errors|words)\\.ts$' },
      to: { path: npm, pathNot: packages('@sinclair/typebox') }
    },
    {
      name: 'services-errors-registry',
      severity: 'error',
      comment: 'The error registry may make errors with @fastify/error, a function that needs no Fastify, and nothing else.',
      from: { path: '^services/errors\\.ts$' },
      to: { path: npm, pathNot: packages('@sinclair/typebox', '@fastify/error') }
    },
    {
      name: 'services-words-list',
      severity: 'error',
      comment: 'Counting words may use the lists of stopword and nothing else.',
      from: { path: '^services/words\\.ts$' },
      to: { path: npm, pathNot: packages('@sinclair/typebox', 'stopword') }
    },
    {
      name: 'routes-without-stores',
      severity: 'error',
      comment: 'A route parses, calls one service and answers. Going past the service goes past the rules.',
      from: { path: '^routes/' },
      to: { path: ['^stores/', packages('pg', 'ioredis')] }
    },
    {
      name: 'routes-know-plugins-by-type',
      severity: 'error',
      comment: 'What a plugin offers is on the Fastify instance; importing it would make a second one. Its types may be imported.',
      from: { path: '^routes/' },
      to: { path: '^plugins/', dependencyTypesNot: ['type-only'] }
    },
    {
      name: 'stores-keep-promises-only',
      severity: 'error',
      comment: 'A driver knows the promises (services/ports.ts), their errors and the shapes, not the rules that use them and not who wires it.',
      from: { path: '^stores/' },
      to: { dependencyTypes: local, pathNot: ['^stores/', '^schemas/', '^services/(ports|errors)\\.ts$'] }
    },
    {
      name: 'stores-without-fastify',
      severity: 'error',
      comment: 'Drivers are given their connections. They must run in a script or a test without a server around them.',
      from: { path: '^stores/' },
      to: { path: packages('fastify', 'fastify-[^/]+', '@fastify/[^/]+', 'socket\\.io') }
    },
    {
      name: 'only-plugins-wire-stores',
      severity: 'error',
      comment: 'Drivers are made and handed out in plugins/ (and used by scripts and tests); everyone else sees a port.',
      from: { pathNot: '^(plugins|stores|scripts|test|bench)/' },
      to: { path: '^stores/' }
    },
    {
      name: 'one-switch-for-drivers',
      severity: 'error',
      comment: 'Memory or Redis is decided in one place, plugins/stores.ts, so that the two never mix; plugins/redis.ts opens connections and no more.',
      from: { pathNot: '^(plugins/stores\\.ts$|stores/(memory|redis)/|test/|bench/)' },
      to: { path: '^stores/(memory|redis)/', pathNot: '^stores/redis/clients\\.ts$' }
    },
    {
      name: 'only-plugins-register-packages',
      severity: 'error',
      comment: 'Each package that becomes part of the server is registered by the one plugin named after what it offers.',
      from: { pathNot: '^(plugins|test)/' },
      to: { path: registered, dependencyTypesNot: ['type-only'] }
    },
    {
      name: 'client-stands-alone',
      severity: 'error',
      comment: 'What runs in a browser knows what travels and socket.io-client, nothing of the server and nothing of Node.',
      from: { path: '^client/' },
      to: { pathNot: ['^client/', '^schemas/', packages('socket\\.io-client')] }
    },
    {
      name: 'client-knows-schemas-by-type',
      severity: 'error',
      comment: 'Importing a schema itself would bring TypeBox into every page. Types are gone by then.',
      from: { path: '^client/' },
      to: { path: '^schemas/', dependencyTypesNot: ['type-only'] }
    },
    {
      name: 'server-without-client',
      severity: 'error',
      comment: 'The client is for those who use the server. A server that needs it would be its own user.',
      from: { pathNot: '^(client|test|bench)/' },
      to: { path: '^client/' }
    },
    {
      name: 'nobody-imports-test',
      severity: 'error',
      comment: 'Code that needs something from test/ needs it moved out of there.',
      from: { pathNot: '^(test|bench)/' },
      to: { path: '^test/' }
    },
    {
      name: 'no-orphans',
      severity: 'error',
      comment: 'A file that neither imports nor is imported has been forgotten. Fixtures, scripts and configuration are started by name.',
      from: { orphan: true, pathNot: ['^(test|scripts|bench)/', '(^|/)\\.[^/]+\\.cjs$', '\\.d\\.ts$', '\\.config\\.js$'] },
      to: {}
    },
    {
      name: 'not-to-dev-dep',
      severity: 'error',
      comment: 'What runs in production is installed there: `dependencies`, not `devDependencies`. Types are gone by then.',
      from: { pathNot: ['^(test|bench)/', '^scripts/build\\.js$', '\\.config\\.js$'] },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: `${npm}@types/` }
    },
    {
      name: 'not-to-undeclared',
      severity: 'error',
      comment: 'A package that is there only because another one needs it may be gone after the next update.',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] }
    },
    {
      name: 'not-to-unresolvable',
      severity: 'error',
      comment: 'An import that leads nowhere would also escape every rule above.',
      from: {},
      to: { couldNotResolve: true }
    }
  ],
  options: {
    doNotFollow: { path: npm },
    exclude: { path: '^(build|coverage|\\.tap|\\.data)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] }
  }
}

import neostandard, { plugins } from 'neostandard'

const sources = ['*.ts', '{documents,plugins,routes,schemas,services,stores,client,scripts,bench}/**/*.{ts,js}']
const tests = ['test/**/*.ts']

export default [
  ...neostandard({ ts: true, ignores: ['build/', '.tap/', '.data/', 'coverage/'] }),
  {
    files: ['**/*.ts'],
    plugins: { '@typescript-eslint': plugins['typescript-eslint'].plugin },
    rules: {
      // `const Message = Type.Object(...)` beside `type Message = Static<typeof Message>` is how TypeBox is written.
      '@typescript-eslint/no-redeclare': 'off',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error'
    }
  },
  { files: sources, rules: { 'max-lines': ['error', 250] } },
  { files: tests, rules: { 'max-lines': ['error', 400] } },
  {
    // The environment is read once, where the process begins, and travels on as the parsed configuration.
    files: sources,
    ignores: ['server.ts', 'scripts/**', 'bench/**'],
    plugins: { n: plugins.n },
    rules: { 'n/no-process-env': 'error' }
  },
  {
    // A client's event is a route (fastify.event): one file listens, so that nothing escapes its checks and its acks.
    files: sources,
    ignores: ['plugins/socket.ts', 'client/**', 'bench/**'],
    rules: {
      'no-restricted-syntax': ['error', {
        selector: 'CallExpression[callee.object.name="socket"][callee.property.name=/^(on|once|addListener|prependListener|onAny)$/]',
        message: 'Listen to events with fastify.event(); only plugins/socket.ts listens on the socket.'
      }]
    }
  }
]

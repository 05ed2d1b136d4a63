import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import t from 'tap'
import { projectRoot } from '../support/paths.ts'

/** Minified and gzipped, without socket.io-client. */
const MOST_BYTES = 12_000

t.test('the client is small, and has one dependency', async t => {
  const { outputFiles, metafile } = await build({
    absWorkingDir: projectRoot,
    entryPoints: ['client/index.ts'],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    external: ['socket.io-client'],
    write: false,
    metafile: true
  })
  const { contents } = outputFiles[0]!
  const bytes = gzipSync(contents).length
  t.comment(`${contents.length} bytes minified, ${bytes} gzipped`)
  t.ok(bytes < MOST_BYTES, `${bytes} bytes`)
  t.strictSame(Object.keys(metafile.inputs).filter(file => !file.startsWith('client/')), [], 'of schemas/ it has types only')
  const imported = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path))
  t.strictSame([...new Set(imported)], ['socket.io-client'])
})

t.test('nothing in it is of Node only', async t => {
  const folder = join(projectRoot, 'client')
  for (const file of readdirSync(folder)) {
    t.notMatch(readFileSync(join(folder, file), 'utf8'), /\b(?:process|Buffer|NodeJS|setImmediate)\b|'node:/, file)
  }
})

/**
 * `npm run package`: builds klatsch and writes klatsch-<version>.tgz, as it may go to a registry, into this folder, or into the one
 * that is named: `npm run package -- FOLDER`.
 *
 * It is packed from a copy in a folder of its own, because a package for others differs from a checkout: npm heeds `overrides` and
 * `allowScripts` only at the root of a project, so fastify-socket.io as it is published would stop everybody's install. Nothing is
 * changed here, so there is nothing to put back, however this ends.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Manifest {
  name: string
  files: string[]
  dependencies: Record<string, string>
  peerDependencies?: Record<string, string>
  [key: string]: unknown
}

/** Packed with klatsch. Its install script runs only pnpm, and its peer is Fastify 4; what it does holds for 5 (test/plugins/io.test.ts). */
const BUNDLED = 'fastify-socket.io'
/** What that one imports, in the version that it has here. */
const ITS_OWN = 'fastify-plugin'
/** Runs the sources, of which a package has none. */
const RUNNER = 'tsx'
/** The server's own: the plugin and the server that registers it must have the same one. */
const HOST = 'fastify'

const root = fileURLToPath(new URL('..', import.meta.url))
const staging = mkdtempSync(join(tmpdir(), 'klatsch-pack-'))
try {
  stage()
  console.log(pack(resolve(process.argv[2] ?? root)))
} finally {
  rmSync(staging, { recursive: true, force: true })
}

function stage () {
  const manifest = readManifest(root)
  const folders = manifest.files.filter(pattern => !pattern.startsWith('!')).map(pattern => pattern.split('/')[0]!)
  copy(root, staging, [...new Set([...folders, 'README.md', 'LICENSE'])])
  writeManifest(staging, forOthers(manifest))

  const from = join(root, 'node_modules', BUNDLED)
  const to = join(staging, 'node_modules', BUNDLED)
  copy(from, to, ['LICENSE', 'README.md', 'dist'])
  writeManifest(to, trim(readManifest(from)))

  const own = dirname(createRequire(join(from, 'package.json')).resolve(ITS_OWN))
  copy(own, join(to, 'node_modules', ITS_OWN), ['LICENSE', 'README.md', 'lib', 'package.json', 'plugin.js', 'types/plugin.d.ts'])
}

function copy (from: string, to: string, names: string[]) {
  for (const name of names) cpSync(join(from, name), join(to, name), { recursive: true })
}

/** The manifest without what concerns only those who work on klatsch. */
function forOthers ({ scripts, overrides, allowScripts, devDependencies, dependencies, ...manifest }: Manifest) {
  const { [HOST]: host, [RUNNER]: _, ...others } = dependencies
  return { ...manifest, bundleDependencies: [BUNDLED], dependencies: others, peerDependencies: { [HOST]: `^${host}` } }
}

/**
 * Without its scripts, without the peer that refuses Fastify 5, and with no dependency that is not packed beside it: `npm ci` would
 * miss that in the lock file of who installs klatsch. The other one that it names, tslib, it does not import.
 */
function trim ({ scripts, devDependencies, dependencies, peerDependencies, ...manifest }: Manifest) {
  const { [HOST]: _, ...peers } = peerDependencies ?? {}
  return { ...manifest, dependencies: { [ITS_OWN]: dependencies[ITS_OWN] }, peerDependencies: peers }
}

/** The tarball appears in `destination` when it is whole. Says what it is. */
function pack (destination: string): string {
  const output = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', staging], { cwd: staging, encoding: 'utf8' })
  const [{ filename, entryCount, size, unpackedSize }] = JSON.parse(output) as [{ filename: string, entryCount: number, size: number, unpackedSize: number }]
  copyFileSync(join(staging, filename), join(destination, filename))
  return `${filename}: ${entryCount} files, ${toKilobytes(size)}, ${toKilobytes(unpackedSize)} unpacked`
}

function toKilobytes (bytes: number): string {
  return `${Math.round(bytes / 1000)} kB`
}

function readManifest (folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}

function writeManifest (folder: string, manifest: object) {
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, null, 2) + '\n')
}

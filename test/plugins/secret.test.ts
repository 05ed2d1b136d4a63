import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import config, { loadConfig } from '../../plugins/config.ts'
import secret from '../../plugins/secret.ts'

function folder (t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'klatsch-test-secret-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

async function boot (t: Test, env: Record<string, string>) {
  const lines: string[] = []
  const stream = new Writable({
    write (chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    }
  })
  const app = Fastify({ logger: { stream } })
  t.teardown(() => app.close())
  await app.register(config, { config: loadConfig(env) })
  await app.register(secret)
  return { secret: app.secret, lines }
}

t.test('JWT_SECRET is taken as it is, and nothing is written', async t => {
  const dataDir = join(folder(t), 'data')
  const given = 'a secret that somebody thought of, long enough'
  const { secret, lines } = await boot(t, { DATA_DIR: dataDir, JWT_SECRET: given })
  t.equal(secret, given)
  t.notOk(existsSync(dataDir))
  t.strictSame(lines, [])
})

t.test('without it one is made, kept for the next start, and warned of', async t => {
  const dataDir = join(folder(t), 'deep', 'data')
  const { secret, lines } = await boot(t, { DATA_DIR: dataDir })
  t.match(secret, /^[\w-]{64}$/)
  t.strictSame(readdirSync(dataDir), ['jwt-secret'], 'nothing else is left')
  t.equal(statSync(join(dataDir, 'jwt-secret')).mode & 0o777, 0o600)
  t.equal(statSync(dataDir).mode & 0o777, 0o700)
  t.match(lines, [/"level":40.*no JWT_SECRET/])
  t.notOk(lines.join('').includes(secret), 'it stays out of the log')

  t.equal((await boot(t, { DATA_DIR: dataDir })).secret, secret)
  t.not((await boot(t, { DATA_DIR: folder(t) })).secret, secret, 'another folder, another secret')
})

t.test('processes that start together agree on one', async t => {
  const dataDir = folder(t)
  const booted = await Promise.all(Array.from({ length: 8 }, () => boot(t, { DATA_DIR: dataDir })))
  t.equal(new Set(booted.map(({ secret }) => secret)).size, 1)
  t.strictSame(readdirSync(dataDir), ['jwt-secret'])
})

t.test('one that somebody wrote by hand may end with a newline', async t => {
  const dataDir = folder(t)
  writeFileSync(join(dataDir, 'jwt-secret'), 'written by hand, with an editor that ends lines\n')
  t.equal((await boot(t, { DATA_DIR: dataDir })).secret, 'written by hand, with an editor that ends lines')
})

t.test('a folder that cannot keep it is named', async t => {
  const file = join(folder(t), 'file')
  writeFileSync(file, '')
  await t.rejects(boot(t, { DATA_DIR: file }), { message: new RegExp(`^DATA_DIR ${file} cannot keep the secret of the tokens: EEXIST`) })
})

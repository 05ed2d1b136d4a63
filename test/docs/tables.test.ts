import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { errorCodes } from '../../schemas/errors.ts'
import { statusOf } from '../../services/errors.ts'
import * as keys from '../../stores/redis/keys.ts'
import { build } from '../support/build.ts'
import { projectRoot } from '../support/paths.ts'
import { documents, plain, prose, read, section, table } from './markdown.ts'

t.test('errors.md: one row for each code, with the status of the registry', async t => {
  const rows = table(read('docs/errors.md'))
  t.strictSame(rows.map(row => [plain(row.code!), Number(row.status)]), errorCodes.map(code => [code, statusOf(code)]))
  for (const row of rows) {
    t.ok(row.meaning !== '' && row['whose fault'] !== '' && row['try again'] !== '', `${row.code}: filled in`)
    t.match(row['whose fault'], statusOf(plain(row.code!) as typeof errorCodes[number]) < 500 ? /^the client's/ : /ours/, `${row.code}: whose fault`)
  }
})

t.test('operations.md: one row for each number of GET /metrics, with its type and labels', async t => {
  const app = await build(t)
  // The labels of a counter stand in the text only once it was moved under one.
  app.metrics.meter.count('dropped_frames', 'x')
  app.metrics.meter.count('hot_state_failures', 'x')
  const text = (await app.inject('/metrics')).body
  const types = new Map([...text.matchAll(/^# TYPE (chat_\w+) (\w+)$/gm)].map(([, name, type]) => [name!, type!]))
  const labels = new Map([...text.matchAll(/^(chat_\w+)\{(\w+)="/gm)].map(([, name, label]) => [name!, label!]))
  const wanted = [...types].map(([name, type]) => [name, type, labels.get(name) ?? '']).toSorted()
  const rows = table(section(read('docs/operations.md'), 'Metrics'))
  t.strictSame(rows.map(row => [plain(row.metric!), row.type, plain(row.labels!)]).toSorted(), wanted)
  const others = [...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name!).filter(name => !types.has(name))
  t.ok(others.length > 0)
  t.strictSame(others.filter(name => !/^(process|nodejs)_/.test(name)), [], 'the rest is of the process')
})

t.test('architecture.md: one row for each Redis key, and the channel', async t => {
  const { alertsChannel, cafeChannel, cafeOfChannel, canaryChannel, canaryPrefix, ...named } = keys
  const places: Record<keyof typeof named, string[]> = {
    cafeMessages: ['{cafeId}'],
    cafeRev: ['{cafeId}'],
    cafeUsers: ['{cafeId}'],
    cafeRoster: ['{cafeId}'],
    cafeHolders: ['{cafeId}'],
    cafeTopics: ['{cafeId}'],
    cafeTopicsLast: ['{cafeId}'],
    cafeTopicsWords: ['{cafeId}'],
    cafeTopicsShown: ['{cafeId}'],
    cafeTopicSaid: ['{cafeId}', '{stem}'],
    cafeTopicMessages: ['{cafeId}', '{stem}'],
    userPresence: ['{userId}'],
    userCafes: ['{userId}'],
    nodeLeases: [],
    nodeEntries: ['{nodeId}'],
    nodeJournal: ['{nodeId}'],
    presenceVersion: [],
    limitOf: ['{action}', '{of}', '{id}'],
    repeatOf: ['{userId}', '{cafeId}']
  }
  t.strictSame(Object.keys(places).toSorted(), Object.keys(named).toSorted(), 'every key function is looked at')
  const wanted = Object.entries(named).map(([name, key]) => (key as (...parts: string[]) => string)(...places[name as keyof typeof named]))
  const text = section(read('docs/architecture.md'), 'Hot state')
  t.strictSame(table(text).map(row => plain(row.key!)).toSorted(), wanted.toSorted())
  t.ok(text.includes(`\`${cafeChannel('{cafeId}')}\``))
  t.ok(text.includes(`\`${alertsChannel()}\``))
  t.ok(text.includes(`\`${canaryChannel('{nodeId}', '{connection}')}\``))
  t.ok(canaryChannel('a', 'b').startsWith(canaryPrefix))
  t.equal(cafeOfChannel(cafeChannel('{cafeId}')), '{cafeId}')
})

t.test('links and paths lead somewhere', async t => {
  for (const path of documents) {
    const text = prose(read(path))
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target!)) continue
      const [file, anchor] = target!.split('#') as [string, string?]
      const linked = file === '' ? path : join(dirname(path), file)
      t.ok(existsSync(join(projectRoot, linked)), `${path}: ${target}`)
      if (anchor !== undefined) t.ok(anchors(read(linked)).includes(anchor), `${path}: ${target}`)
    }
    for (const [, named] of text.matchAll(/`([\w.-]+(?:\/[\w.-]+)*(?:\/|\.(?:ts|sql|cjs|js|md)))`/g)) {
      if (!/^(\.data|build|bench)\//.test(named!)) t.ok(existsSync(join(projectRoot, named!)), `${path}: ${named}`)
    }
  }
})

/** As GitHub makes them from headings: lower case, without punctuation, hyphens for blanks. */
function anchors (text: string): string[] {
  const seen = new Map<string, number>()
  return [...prose(text).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => {
    const slug = heading!.toLowerCase().replace(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-')
    const count = seen.get(slug) ?? 0
    seen.set(slug, count + 1)
    return count === 0 ? slug : `${slug}-${count}`
  })
}

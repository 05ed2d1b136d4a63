/**
 * `npm run chaos`: every fault test of this folder, one after another, each in a process of its own and in full size: three nodes
 * behind haproxy, with their own PostgreSQL and Redis. Then one table of what the oracle found. Status 1 if any of them failed.
 *
 *   node build/test/chaos/main.js [--only NAME]... [--small]
 *
 *   --only NAME  those with NAME in their names; may be given several times
 *   --small      in the size in which they run in `npm test`
 *
 * CHAOS_CLIENTS, CHAOS_CAFES, CHAOS_RATE (operations per second), CHAOS_SECONDS and CHAOS_SOAK (seconds) change the size. The tests run in the form in
 * which this runs: compiled, or as sources when this is started through tsx.
 */
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startRun } from '../support/run.ts'

interface Ran { name: string, ok: boolean, seconds: number, output: string }

/** The line of figures of a test, as far as it is shown here. */
interface Figures {
  fault: string
  attempted: number
  acked: number
  ackedLost: number
  changesLost: number
  lost: number
  storedTwice: number
  doubled: number
  disordered: number
  phantoms: number
  hung: number
  repairP50: number
  repairP99: number
  ackMax: number
  exits: unknown[]
}

/** Of one test file; its servers go with it. */
const MOST_MS = 400_000 + 1000 * (Number(process.env.CHAOS_SOAK) || 0)
const GRACE_MS = 5000
/** Shown of a test that failed. */
const MOST_LINES = 100

const FIGURES = /^ *# verdict (\{.*\})$/

const compiled = import.meta.url.endsWith('.js')
const ending = compiled ? '.test.js' : '.test.ts'
const folder = fileURLToPath(new URL('.', import.meta.url))

const columns: Record<string, (figures: Figures) => string | number> = {
  fault: ({ fault }) => fault,
  attempted: ({ attempted }) => attempted,
  acked: ({ acked }) => acked,
  lost: ({ ackedLost, changesLost, lost }) => ackedLost + changesLost + lost,
  doubled: ({ storedTwice, doubled }) => storedTwice + doubled,
  'out of order': ({ disordered }) => disordered,
  phantoms: ({ phantoms }) => phantoms,
  hung: ({ hung }) => hung,
  'repair p50 ms': ({ repairP50 }) => repairP50,
  'repair p99 ms': ({ repairP99 }) => repairP99,
  'slowest ack ms': ({ ackMax }) => ackMax,
  exits: ({ exits }) => exits.join(' ')
}

process.exitCode = await main()

async function main (): Promise<number> {
  const { values: { only, small } } = parseArgs({ options: { only: { type: 'string', multiple: true }, small: { type: 'boolean' } } })
  const all = readdirSync(folder).filter(file => file.endsWith(ending)).map(file => file.slice(0, -ending.length)).toSorted()
  const chosen = all.filter(name => only === undefined || only.some(part => name.includes(part)))
  if (chosen.length === 0) {
    console.error(`There is no such test; there are ${all.join(', ')}`)
    return 1
  }
  // Its PostgreSQL serves all of them but those that break it.
  const run = await startRun(process.pid)
  const ran: Ran[] = []
  for (const name of chosen) {
    const one = await runFile(name, small === true ? 'small' : 'full')
    console.log([`${one.ok ? 'ok    ' : 'not ok'}  ${name}, ${one.seconds} s`, ...remarks(one)].join('\n        '))
    ran.push(one)
  }
  await run.stop()
  console.log('\n' + layOut(ran.flatMap(rowsOf)))
  const failed = ran.filter(({ ok }) => !ok)
  if (failed.length > 0) console.log(`failed: ${failed.map(({ name }) => name).join(', ')}`)
  console.log(`${ran.length - failed.length} passed, ${failed.length} failed`)
  return failed.length > 0 ? 1 : 0
}

function runFile (name: string, size: string): Promise<Ran> {
  const start = Date.now()
  const args = [...compiled ? [] : ['--import=tsx'], `${folder}${name}${ending}`]
  const child = spawn(process.execPath, args, { env: { ...process.env, CHAOS_SIZE: size }, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (piece: string) => { output += piece })
  const timers = [setTimeout(() => child.kill('SIGTERM'), MOST_MS), setTimeout(() => child.kill('SIGKILL'), MOST_MS + GRACE_MS)]
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      timers.forEach(clearTimeout)
      if (signal !== null) output = `ended by ${signal}\n${output}`
      resolve({ name, ok: code === 0, seconds: Math.round((Date.now() - start) / 1000), output })
    })
  })
}

/** The rows of a test; one without figures has others, which it tells by itself. */
function rowsOf ({ name, output }: Ran): string[][] {
  const texts = output.split('\n').flatMap(line => FIGURES.exec(line)?.[1] ?? [])
  const figures = texts.map(text => JSON.parse(text) as Figures)
  if (figures.length === 0) return [Object.keys(columns).map((_, index) => index === 0 ? name : '-')]
  return figures.map(one => Object.values(columns).map(column => String(column(one))))
}

/** What a test says beside its figures; the beginning of everything but what went well when it failed. */
function remarks ({ ok, output }: Ran): string[] {
  const lines = output.split('\n').filter(line => !FIGURES.test(line))
  if (!ok) return lines.filter(line => !/^ *(ok |$)/.test(line)).slice(0, MOST_LINES)
  return lines.flatMap(line => /^ +# (?!Subtest|time=)(.+)$/.exec(line)?.[1] ?? [])
}

function layOut (rows: string[][]): string {
  const lines = [Object.keys(columns), ...rows]
  const widths = lines[0]!.map((_, index) => Math.max(...lines.map(row => row[index]!.length)))
  // Names to the left, numbers to the right.
  return lines.map(row => row.map((cell, index) => index === 0 ? cell.padEnd(widths[index]!) : cell.padStart(widths[index]!)).join('  ') + '\n').join('')
}

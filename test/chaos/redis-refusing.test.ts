import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import t from 'tap'
import { freePort } from '../support/servers.ts'
import { hold, inTime, run, setUp } from './stage.ts'

t.setTimeout(100_000)

const PHASE_MS = 2000
/** Of one node, per second. */
const MOST_LINES = 5

t.test('Redis answers, but refuses to write: full, a replica of nobody, unable to save', async t => {
  const stage = await setUp(t)
  const operator = new Redis(stage.redis.url)
  t.teardown(() => operator.disconnect())
  const nobody = await freePort()
  // A folder that is in the way of the file is an obstacle for root as well.
  const [, folder] = await operator.config('GET', 'dir') as [string, string]
  const obstacle = join(folder, 'dump.rdb')

  const phases = [
    {
      code: 'OOM',
      begin: () => operator.config('SET', 'maxmemory', '1mb'),
      end: () => operator.config('SET', 'maxmemory', '0')
    },
    {
      code: 'READONLY',
      begin: () => operator.call('REPLICAOF', '127.0.0.1', nobody),
      end: () => operator.call('REPLICAOF', 'NO', 'ONE')
    },
    {
      code: 'MISCONF',
      async begin () {
        mkdirSync(obstacle)
        writeFileSync(join(obstacle, 'in the way'), '')
        await operator.config('SET', 'save', '3600 1')
        await operator.call('BGSAVE')
        while ((await operator.info('persistence')).includes('rdb_bgsave_in_progress:1')) await delay(10)
      },
      async end () {
        rmSync(obstacle, { recursive: true })
        await operator.config('SET', 'save', '')
      }
    }
  ]
  const lines = () => stage.nodes.map(node => node.logs().split('\n').length)
  const written: number[] = []
  const verdict = await run(t, stage, async () => {
    for (const { code, begin, end } of phases) {
      const before = lines()
      await begin()
      const refused = await operator.set('test', 'x').then(() => 'nothing', (error: Error) => error.message.split(' ')[0])
      t.equal(refused, code, 'it does refuse')
      await delay(PHASE_MS)
      await end()
      written.push(...lines().map((count, index) => count - before[index]!))
    }
  })
  hold(t, verdict)
  inTime(t, verdict, 'ackMax', 1000)
  inTime(t, verdict, 'nearP99', 500)
  t.comment(`lines of log, per phase and node: ${written.join(' ')}`)
  t.ok(Math.max(...written) <= MOST_LINES * PHASE_MS / 1000, 'nodes say little about it')
})

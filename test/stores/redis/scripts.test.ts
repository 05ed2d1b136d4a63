import t from 'tap'
import { createRedisClients } from '../../../stores/redis/clients.ts'
import { cafeMessages, cafeRev } from '../../../stores/redis/keys.ts'
import { readAll } from '../../../stores/redis/scripts-recent.ts'
import { startRedis } from '../../support/servers.ts'

// A script that was defined at its first use, in a turn in which other commands waited already, broke their automatic
// pipeline: their callers got nothing and the process ended.
t.test('a script may be used for the first time behind other commands', async t => {
  const redis = await startRedis(t)
  const clients = createRedisClients(redis.url, 4, { warn () {}, info () {} })
  t.teardown(clients.close)
  await clients.ready()
  const [lane] = clients.data
  const id = '00000000-0000-4000-8000-000000000000'
  const answers = await Promise.all([lane!.get('x'), readAll(lane!, [cafeMessages(id), cafeRev(id)], []), lane!.set('x', '1'), lane!.get('x')])
  t.same(answers, [null, [], 'OK', '1'])
})

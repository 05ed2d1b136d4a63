import t from 'tap'
import * as keys from '../../../stores/redis/keys.ts'
import { bind, keyInLua } from '../../../stores/redis/scripts.ts'
import { startRedis } from '../../support/servers.ts'
import { openClients } from './state.ts'

t.test('the keys of the specification', async t => {
  t.equal(keys.cafeMessages('c'), 'cafe:c:messages')
  t.equal(keys.cafeUsers('c'), 'cafe:c:users')
  t.equal(keys.cafeTopics('c'), 'cafe:c:topics')
  t.equal(keys.userPresence('u'), 'user:u:presence')
})

t.test('the cafe of a channel', async t => {
  t.equal(keys.cafeOfChannel(keys.cafeChannel('c')), 'c')
  t.equal(keys.cafeOfChannel('socket.io#/#'), undefined)
})

t.test('a script runs on every client that was opened since, with its keys and arguments', async t => {
  const { url } = await startRedis(t)
  const { data: [early] } = await openClients(t, url)
  const echo = bind<Array<string | number>>('Echo', 'return { #KEYS, KEYS[1], #ARGV, ARGV[2] }')
  const { data: [a, b] } = await openClients(t, url)
  for (const client of [a!, b!, a!]) t.strictSame(await echo(client, ['k1', 'k2'], ['x', 1.5, '']), [2, 'k1', 3, '1.5'])
  t.throws(() => echo(early!, [], []), TypeError)
})

t.test('a key that a script finds is the key', async t => {
  const { url } = await startRedis(t)
  const name = bind<string[]>('Names', `
local cafe, word = ARGV[1], ARGV[2]
return { ${keyInLua(keys.nodeLeases)}, ${keyInLua(keys.cafeUsers, 'cafe')}, ${keyInLua(keys.cafeTopicSaid, 'cafe', 'word')} }`)
  const { data: [client] } = await openClients(t, url)
  t.strictSame(await name(client!, [], ['c1', "it's"]), [keys.nodeLeases(), keys.cafeUsers('c1'), keys.cafeTopicSaid('c1', "it's")])
})

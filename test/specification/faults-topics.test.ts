import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { BlackBox, Person } from './black-box.ts'
import { arrive, eventually, read, say } from './cast.ts'
import { compare, startPair } from './compare.ts'

const pair = await startPair(t)
const quick = await startPair(t, { TOPIC_EXPIRY_SECONDS: '1' })

t.test('topics fade in a room that stays active', async t => {
  await compare(t, quick, /espresso of long ago still stands above lantern/, checkDecay)
})

t.test('a new word can rise above fifty old ones', async t => {
  await compare(t, pair, /lantern is no topic/, checkNewWord)
})

for (const word of ['кофейня', 'crème', '珈琲']) {
  t.test(`${word} can be a topic`, async t => {
    await compare(t, pair, new RegExp(`${word} is no topic`), checkWord(word, [word, `${word} 2`]))
  })
}

t.test('a word beside punctuation can be a topic', async t => {
  await compare(t, pair, /espresso is no topic/, checkWord('espresso', ['Espresso, ok?', 'ah, "espresso"!']))
})

async function readTopics (server: BlackBox, person: Person, cafeId: string): Promise<string[]> {
  const { topics } = await read<{ topics: string[] }>(server, person, `topics/${cafeId}?limit=10`)
  return topics
}

/** Words of letters only, all different: `prefixaa`, `prefixab` and so on. */
function makeWords (prefix: string, count: number): string[] {
  const letter = (n: number) => String.fromCharCode(97 + n % 26)
  return Array.from({ length: count }, (_, n) => prefix + letter(Math.floor(n / 26)) + letter(n))
}

/** One after the other. The number keeps their messages apart; it is too short for a topic. */
async function sayEach (people: Array<Awaited<ReturnType<typeof arrive>>>, cafeId: string, words: string): Promise<void> {
  for (const [n, { client }] of people.entries()) await say(client, cafeId, `${words} ${n}`)
}

/** Five people say a word, the room goes on for four times TOPIC_EXPIRY_SECONDS, then two people say another. */
async function checkDecay (server: BlackBox): Promise<void> {
  const cafeId = await server.cafe()
  const people = await Promise.all(['ann', 'bob', 'cleo', 'dan', 'eve'].map(name => arrive(server, name, cafeId)))
  const [ann, bob] = people as [typeof people[0], typeof people[0]]
  await sayEach(people, cafeId, 'espresso')
  const chatter = makeWords('chatter', 200).values()
  const goOn = async () => { await say(ann.client, cafeId, chatter.next().value!) }
  for (const goOnUntil = Date.now() + 4_000; Date.now() < goOnUntil;) {
    await sleep(250)
    await goOn()
  }
  await sayEach([ann, bob], cafeId, 'lantern')
  await eventually(2_000, async () => {
    await goOn()
    const topics = await readTopics(server, ann.person, cafeId)
    assert.ok(topics.includes('lantern'), `lantern is not among ${topics}`)
    const above = topics.slice(0, topics.indexOf('lantern'))
    assert.ok(!above.includes('espresso'), 'espresso of long ago still stands above lantern')
  })
}

async function checkNewWord (server: BlackBox): Promise<void> {
  const cafeId = await server.cafe()
  const people = await Promise.all(['ann', 'bob', 'cleo', 'dan'].map(name => arrive(server, name, cafeId)))
  await sayEach(people.slice(0, 2), cafeId, makeWords('old', 50).join(' '))
  const { person } = people[0]!
  await eventually(2_000, async () => assert.equal((await readTopics(server, person, cafeId)).length, 10))
  await sayEach(people, cafeId, 'lantern')
  await eventually(2_000, async () => {
    assert.ok((await readTopics(server, person, cafeId)).includes('lantern'), 'said by all, lantern is no topic')
  })
}

/** Two people say one content each; the word must be a topic then. */
function checkWord (word: string, [first, second]: [string, string]) {
  return async function check (server: BlackBox): Promise<void> {
    const cafeId = await server.cafe()
    const ann = await arrive(server, 'ann', cafeId)
    const bob = await arrive(server, 'bob', cafeId)
    await say(ann.client, cafeId, first)
    await say(bob.client, cafeId, second)
    await eventually(2_000, async () => {
      assert.ok((await readTopics(server, ann.person, cafeId)).includes(word), `said by both, ${word} is no topic`)
    })
  }
}

import assert from 'node:assert/strict'
import t from 'tap'
import type { BlackBox, Person } from './black-box.ts'
import { arrive, enter, eventually, read } from './cast.ts'
import { compare, startPair } from './compare.ts'

const pair = await startPair(t)
const healTime = 15_000

t.test('one of two tabs leaves, and its user stays', async t => {
  await compare(t, pair, /after one of two tabs left, the cafe counts 0/, checkTwoTabs(async (tab, cafeId, elsewhere) => {
    tab.emit('leave:cafe', { cafeId })
    await enter(tab, elsewhere)
  }))
})

t.test('one of two tabs closes, and its user stays', async t => {
  await compare(t, pair, /after one of two tabs left, the cafe counts 0/, checkTwoTabs(async tab => {
    tab.disconnect()
  }))
})

// Last, because it kills both servers.
t.test('a server that is killed leaves nobody behind for long', async t => {
  await compare(t, pair, /2 are still counted/, checkCrash)
})

/** @param leave takes one tab out; the count is watched for half a second after it */
function checkTwoTabs (leave: (tab: ReturnType<BlackBox['connect']>, cafeId: string, elsewhere: string) => Promise<void>) {
  return async function check (server: BlackBox): Promise<void> {
    const [cafeId, elsewhere] = [await server.cafe(), await server.cafe()]
    const ann = await server.person('ann')
    const [tab, otherTab] = [server.connect(ann), server.connect(ann)]
    await enter(tab, cafeId)
    await enter(otherTab, cafeId)
    if (await countUsers(server, ann, cafeId) !== 1) throw new Error('two tabs of one user do not count once')

    await leave(tab, cafeId, elsewhere)
    for (const watchUntil = Date.now() + 500; Date.now() < watchUntil;) {
      const userCount = await countUsers(server, ann, cafeId)
      assert.equal(userCount, 1, `after one of two tabs left, the cafe counts ${userCount}`)
    }
  }
}

async function checkCrash (server: BlackBox): Promise<void> {
  const cafeId = await server.cafe()
  const survivor = await server.sibling()
  const { client: ann } = await arrive(server, 'ann', cafeId)
  const { person: bob } = await arrive(survivor, 'bob', cafeId)
  if (await countUsers(survivor, bob, cafeId) !== 2) throw new Error('two users on two servers do not count as two')

  await server.kill()
  ann.disconnect()
  await eventually(healTime, async () => {
    const userCount = await countUsers(survivor, bob, cafeId)
    assert.equal(userCount, 1, `${healTime} ms after the crash ${userCount} are still counted`)
  })
}

async function countUsers (server: BlackBox, person: Person, cafeId: string): Promise<number> {
  const { userCount, users } = await read<{ userCount: number, users: unknown[] }>(server, person, `presence/${cafeId}`)
  if (users.length !== userCount) throw new Error(`${users.length} users for a count of ${userCount}`)
  return userCount
}

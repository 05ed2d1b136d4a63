import { createHash, randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { refuse } from '../../../services/errors.ts'
import type { Draft } from '../../../services/ports.ts'
import { type Commit, createGroupCommit } from '../../../stores/postgres/group-commit.ts'

const cafeId = randomUUID()
const draft = (content: string): Draft => ({ cafeId, userId: randomUUID(), username: 'ann', content, hash: createHash('sha256').update(content).digest() })

/** What became of sends that arrive together, in their order. */
async function outcomes (t: Test, commit: Commit, contents: string[]) {
  const { append, waiting } = createGroupCommit(commit, { maxBatch: 4, maxQueue: 100, maxWaiting: 2, timeout: 100 })
  const settled = await Promise.allSettled(contents.map(content => append(draft(content))))
  t.equal(waiting(), 0)
  return settled.map(result => result.status === 'fulfilled' ? result.value.outcome : result.reason.code)
}

const dataError = () => Object.assign(new Error('judged'), { code: '23514' })

t.test('a draft that PostgreSQL refuses fails alone', async t => {
  const commit: Commit = async drafts => {
    if (drafts.some(({ content }) => content === 'bad')) throw dataError()
    return drafts.map(() => ({ outcome: 'no-user' }))
  }
  t.same(await outcomes(t, commit, ['a', 'bad', 'b', 'c', 'd']), ['no-user', '23514', 'no-user', 'no-user', 'no-user'])
})

t.test('a database that is lost while drafts are tried one by one: those not tried are refused with it', async t => {
  let calls = 0
  const commit: Commit = async drafts => {
    calls++
    if (drafts.length > 1) throw dataError()
    if (drafts[0]!.content === 'lost') throw refuse('CHAT_OUTCOME_UNKNOWN')
    return drafts.map(() => ({ outcome: 'no-user' }))
  }
  t.same(await outcomes(t, commit, ['a', 'lost', 'b', 'c', 'of the next batch']),
    ['no-user', 'CHAT_OUTCOME_UNKNOWN', 'CHAT_UNAVAILABLE', 'CHAT_UNAVAILABLE', 'CHAT_UNAVAILABLE'])
  t.equal(calls, 3)
})

t.test('what waits behind a commit that failed is refused with it, in a lane too', async t => {
  const failing: Commit = async (drafts, lockFor) => {
    if (lockFor !== undefined) throw refuse('CHAT_UNAVAILABLE')
    return drafts.map(() => ({ outcome: 'locked' }))
  }
  t.same(await outcomes(t, failing, ['a', 'b', 'c', 'd', 'e', 'f']), Array(6).fill('CHAT_UNAVAILABLE'))
})

t.test('who has waited long to hear that the head is locked does not wait for it', async t => {
  let waits = 0
  const slow: Commit = async (drafts, lockFor) => {
    if (lockFor !== undefined) waits++
    else await new Promise(resolve => { setTimeout(resolve, 60) })
    return drafts.map(() => ({ outcome: lockFor === undefined ? 'locked' : 'no-user' }))
  }
  t.same(await outcomes(t, slow, ['a', 'b']), ['CHAT_UNAVAILABLE', 'CHAT_UNAVAILABLE'])
  t.equal(waits, 0)
})

t.test('who waits for the head has what is left of the time, and at least half of it', async t => {
  const given: number[] = []
  const commit: Commit = async (drafts, lockFor) => {
    if (lockFor !== undefined) given.push(lockFor)
    await new Promise(resolve => { setTimeout(resolve, 30) })
    return drafts.map(() => ({ outcome: lockFor === undefined ? 'locked' : 'no-user' }))
  }
  t.same(await outcomes(t, commit, ['a', 'b', 'c', 'd', 'e']), Array(5).fill('no-user'))
  t.ok(given.every(ms => ms >= 50 && ms < 75), `${given}`)
})

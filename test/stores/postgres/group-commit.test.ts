import { createHash, randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { refuse } from '../../../services/errors.ts'
import type { Draft } from '../../../services/ports.ts'
import { type Commit, createGroupCommit } from '../../../stores/postgres/group-commit.ts'

const cafeId = randomUUID()
const draft = (content: string): Draft => ({ cafeId, userId: randomUUID(), username: 'ann', content, hash: createHash('sha256').update(content).digest() })

/** What became of sends that arrive together, in their order. */
async function outcomes (t: Test, commit: Commit, contents: string[]) {
  const { append, waiting } = createGroupCommit(commit, { maxBatch: 4, maxQueue: 100, maxWaiting: 2 })
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
  const failing: Commit = async (drafts, wait) => {
    if (wait) throw refuse('CHAT_UNAVAILABLE')
    return drafts.map(() => ({ outcome: 'locked' }))
  }
  t.same(await outcomes(t, failing, ['a', 'b', 'c', 'd', 'e', 'f']), Array(6).fill('CHAT_UNAVAILABLE'))
})

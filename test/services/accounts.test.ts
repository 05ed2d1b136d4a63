import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type { User } from '../../schemas/users.ts'
import { createAccounts } from '../../services/accounts.ts'
import { refuse } from '../../services/errors.ts'

const someone = (username: string, role: User['role'] = 'member'): User => ({ id: randomUUID(), username, role })

/** Accounts over a table that keeps each call, and answers the oldest when `next` is called. */
function setUp () {
  const calls: User[][] = []
  const waiting: Array<{ resolve: () => void, reject: (error: unknown) => void }> = []
  const accounts = createAccounts({
    upsert (users) {
      calls.push(users)
      return new Promise<void>((resolve, reject) => { waiting.push({ resolve, reject }) })
    }
  })
  const next = async (error?: unknown) => {
    for (const start = Date.now(); waiting.length === 0 && Date.now() - start < 600;) await delay(1)
    const call = waiting.shift()
    if (error === undefined) call?.resolve()
    else call?.reject(error)
    await new Promise(resolve => { setImmediate(resolve) })
  }
  return { ...accounts, calls, next }
}

t.test('who arrives while others are written is written with the next', async t => {
  const { recognise, calls, next } = setUp()
  const people = Array.from({ length: 2500 }, (_, n) => someone(`guest ${n}`))
  const first = recognise(people[0]!)
  await new Promise(resolve => { setImmediate(resolve) })
  t.same(calls.map(call => call.length), [1], 'the first does not wait')
  const others = Promise.all(people.slice(1).map(recognise))
  for (let n = 0; n < 4; n++) await next()
  await Promise.all([first, others])
  t.same(calls.map(call => call.length), [1, 1000, 1000, 499], 'a bounded number at once, one statement after the other')
  t.same(calls.flat(), people)
})

t.test('a storm takes few statements, and who comes alone waits for nobody', async t => {
  const calls: number[] = []
  const { recognise } = createAccounts({ async upsert (users) { calls.push(users.length) } })
  const arrivals: Array<Promise<void>> = []
  for (const start = Date.now(); Date.now() - start < 1000; await delay(2)) arrivals.push(recognise(someone('guest')))
  await Promise.all(arrivals)
  t.equal(calls.reduce((sum, count) => sum + count, 0), arrivals.length)
  t.ok(arrivals.length > 100 && calls.length < 20, `${arrivals.length} users in ${calls.length} statements`)

  await delay(500)
  const start = performance.now()
  await recognise(someone('alone'))
  t.ok(performance.now() - start < 100, 'when the storm is over')
})

t.test('who is known costs nothing, unless name or role changed', async t => {
  const { recognise, forget, calls, next } = setUp()
  const ann = someone('ann')
  const steps: Array<[User, number]> = [[ann, 1], [{ ...ann }, 1], [{ ...ann, username: 'Anna' }, 2], [{ ...ann, username: 'Anna', role: 'admin' }, 3], [ann, 4]]
  for (const [user, expected] of steps) {
    const done = recognise(user)
    await new Promise(resolve => { setImmediate(resolve) })
    await next()
    await done
    t.equal(calls.length, expected, `${user.role} ${user.username}`)
  }
  forget(ann.id)
  const again = recognise(ann)
  await new Promise(resolve => { setImmediate(resolve) })
  await next()
  await again
  t.equal(calls.length, 5, 'one that was forgotten is written again')
})

t.test('the oldest of very many is forgotten', async t => {
  let calls = 0
  const { recognise } = createAccounts({ async upsert () { calls++ } })
  const people = Array.from({ length: 100_001 }, (_, n) => someone(`guest ${n}`))
  await Promise.all(people.map(recognise))
  t.equal(calls, 101)
  await recognise(people.at(-1)!)
  await recognise(people[1]!)
  t.equal(calls, 101, 'known')
  await recognise(people[0]!)
  t.equal(calls, 102, 'forgotten')
})

t.test('a failure is that of its batch alone', async t => {
  const { recognise, calls, next } = setUp()
  const [ann, bob, cem] = [someone('ann'), someone('bob'), someone('cem')]
  const first = t.rejects(recognise(ann), { code: 'CHAT_UNAVAILABLE' })
  await new Promise(resolve => { setImmediate(resolve) })
  const second = Promise.all([recognise(bob), recognise(cem)])
  await next(refuse('CHAT_UNAVAILABLE'))
  await first
  await next()
  await second
  const again = recognise(ann)
  await new Promise(resolve => { setImmediate(resolve) })
  await next()
  await again
  t.same(calls.map(call => call.map(({ username }) => username)), [['ann'], ['bob', 'cem'], ['ann']], 'ann is not known, the others are')
})

t.test('guests', async t => {
  const accounts = createAccounts({ async upsert () {} })
  t.match(await accounts.welcome('Käthe'), { id: /^[0-9a-f-]{36}$/, username: 'Käthe', role: 'member' })
  const names = new Set<string>()
  for (let n = 0; n < 50; n++) {
    const { username } = await accounts.welcome()
    t.match(username, /^[A-Z][a-z]+[A-Z][a-z]+[1-9][0-9]$/, 'a friendly name')
    names.add(username)
  }
  t.ok(names.size > 30, 'not always the same')
})

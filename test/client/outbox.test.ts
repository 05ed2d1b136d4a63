import t from 'tap'
import { ChatError } from '../../client/errors.ts'
import { createOutbox, MOST_UNSENT } from '../../client/outbox.ts'
import { CAFE, createStorage } from './cast.ts'

const fail = (error: ChatError) => { throw error }
const make = (clientId: string, cafeId = CAFE) => ({ clientId, cafeId, content: `text ${clientId}`, createdAt: 'then' })
const ann = { id: 'ann', username: 'Ann' }
const bob = { id: 'bob', username: 'Bob' }

t.test('what is stored is what the next one finds, in order, with its errors', async t => {
  const storage = createStorage()
  const outbox = createOutbox(storage, fail)
  t.ok(outbox.isEmpty)
  outbox.adopt(ann)
  for (const clientId of ['a', 'b', 'c']) outbox.add(make(clientId))
  outbox.add(make('d', 'another'))
  outbox.update('b', { state: 'failed', error: new ChatError('CHAT_REPEATED', 'again', { retryAfterMs: 5 }) })
  outbox.update('c', { state: 'pending', error: new ChatError('CLIENT_OFFLINE', 'not yet') })
  t.ok(outbox.remove('a'))
  t.notOk(outbox.remove('a'))
  outbox.update('a', { state: 'failed' })
  t.equal(outbox.get('a'), undefined)
  const [first] = outbox.list(CAFE)
  t.ok(Object.isFrozen(first))

  const next = createOutbox(storage, fail)
  next.adopt(ann)
  t.match(next.list(CAFE), [
    { id: 'b', clientId: 'b', cafeId: CAFE, userId: 'ann', username: 'Ann', content: 'text b', createdAt: 'then', deleted: false, state: 'failed', error: { code: 'CHAT_REPEATED', retryAfterMs: 5 } },
    { clientId: 'c', state: 'pending', error: undefined }
  ])
  t.equal(next.list('another').length, 1)
  next.update('b', { state: 'pending' })
  t.equal(next.get('b')!.error, undefined)
})

t.test('it takes what works like localStorage', async t => {
  const items = new Map<string, string>()
  // A page may well have something of that name in it.
  const storage = { load: 'x', getItem: (key: string) => items.get(key) ?? null, setItem: (key: string, text: string) => { items.set(key, text) } }
  createOutbox(storage, fail).add(make('a'))
  t.equal(createOutbox(storage, fail).list(CAFE).length, 1)
  t.strictSame([...items.keys()], ['klatsch:outbox'])
})

t.test('what another user left is neither shown nor sent, and waits for them', async t => {
  const storage = createStorage()
  const first = createOutbox(storage, fail)
  first.add(make('a'))
  first.adopt(ann)
  t.match(first.list(CAFE), [{ userId: 'ann', username: 'Ann' }], 'said before it was known by whom')

  const second = createOutbox(storage, fail)
  second.adopt(bob)
  t.strictSame(second.list(CAFE), [])
  for (let index = 0; index < MOST_UNSENT; index++) second.add(make(`b${index}`))
  t.throws(() => second.add(make('more')), { code: 'CLIENT_OUTBOX_FULL' })
  t.equal(second.get('a'), undefined, 'but not in the way of the one who is here')
})

t.test('a storage that fails is told of, and nothing else changes', async t => {
  const faults: string[] = []
  const note = ({ code }: ChatError) => { faults.push(code) }
  for (const text of ['no json', '{"version":2,"unsent":[]}', '{"version":1}', 'null']) {
    t.ok(createOutbox(createStorage(text), note).isEmpty, text)
  }
  t.strictSame(faults.splice(0), Array(4).fill('CLIENT_STORAGE'))
  const mixed = JSON.stringify({ version: 1, unsent: [null, 5, { clientId: 'x' }, { ...make('good'), userId: '' }] })
  t.equal(createOutbox(createStorage(mixed), fail).list(CAFE).length, 1, 'what is good of it is taken')
  t.ok(createOutbox(createStorage(''), fail).isEmpty)

  const full = createOutbox({ load: () => null, save () { throw new Error('full') } }, note)
  full.add(make('a'))
  t.strictSame(faults, ['CLIENT_STORAGE'])
  t.equal(full.list(CAFE).length, 1)
  t.equal(createOutbox(undefined, fail).isEmpty, true)
})

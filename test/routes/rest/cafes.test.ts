import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import type { Cafe, CafeList } from '../../../schemas/cafes.ts'
import type { ErrorBody } from '../../../schemas/errors.ts'
import { build } from '../../support/build.ts'
import { enter, open, unknownId } from './client.ts'

t.test('a cafe is opened and found again', async t => {
  const app = await build(t)
  const ann = await enter(app, 'ann')

  const created = await ann.post('/api/cafes', { name: 'Kaffeeklatsch ☕' })
  t.equal(created.statusCode, 201)
  const cafe = created.json<Cafe>()
  t.strictSame(Object.keys(cafe).toSorted(), ['createdAt', 'id', 'name', 'rev', 'seq', 'userCount'])
  t.match(cafe, { name: 'Kaffeeklatsch ☕', seq: 0, rev: 0, userCount: 0, createdAt: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ })

  const found = await ann.get(`/api/cafes/${cafe.id}`)
  t.equal(found.statusCode, 200)
  t.strictSame(found.json(), cafe)

  await ann.post(`/api/chat/messages/${cafe.id}`, { content: 'Hello' })
  t.match((await ann.get(`/api/cafes/${cafe.id}`)).json(), { seq: 1, rev: 1 })
})

t.test('the list: newest first, page by page', async t => {
  const app = await build(t)
  const ann = await enter(app, 'ann')
  const ids = []
  for (let number = 0; number < 5; number++) {
    ids.unshift((await open(app, `Cafe ${number}`)).id)
    // Of two of the same millisecond neither is the newer.
    await wait(2)
  }

  const all = (await ann.get('/api/cafes')).json<CafeList>()
  t.strictSame(all.cafes.map(cafe => cafe.id), ids)
  t.notOk('nextCursor' in all, 'nothing follows')

  const seen: string[] = []
  let cursor = ''
  for (let page = 0; page < 3; page++) {
    const list = (await ann.get(`/api/cafes?limit=2${cursor}`)).json<CafeList>()
    seen.push(...list.cafes.map(cafe => cafe.id))
    cursor = `&cursor=${list.nextCursor}`
    t.equal(list.nextCursor === undefined, page === 2)
  }
  t.strictSame(seen, ids, 'none twice, none left out')
})

t.test('bad input', async t => {
  const app = await build(t)
  const ann = await enter(app, 'ann')

  for (const name of ['', ' ', ' x', 'x ', 'a\nb', 'a\0b', 'x'.repeat(101), 5, null, undefined, {}, ['x']]) {
    const response = await ann.post('/api/cafes', { name })
    t.equal(response.statusCode, 400, JSON.stringify(name))
    t.match(response.json(), { code: 'CHAT_VALIDATION', details: [{ field: 'name' }] })
  }
  t.strictSame((await ann.post('/api/cafes', { name: 'x', id: unknownId, seq: 9 })).json<ErrorBody>().details,
    [{ field: 'id', rule: 'additionalProperties' }, { field: 'seq', rule: 'additionalProperties' }])
  t.equal((await ann.post('/api/cafes')).statusCode, 400)

  const forged = ['2025-02-30T09:00:00.000Z', '0000-01-01T00:00:00.000Z', '2025-11-19T24:00:00.000Z'].map(time => Buffer.from(`${time} c0ffee00-0000-4000-8000-000000000001`).toString('base64url'))
  for (const [query, field] of [['limit=0', 'limit'], ['limit=101', 'limit'], ['limit=1e1', 'limit'], ['cursor=', 'cursor'], ['cursor=%27', 'cursor'], ['cursor=abc', 'cursor'], [`cursor=${'a'.repeat(101)}`, 'cursor'], ['page=2', 'page'], ...forged.map(cursor => [`cursor=${cursor}`, 'cursor'])]) {
    const response = await ann.get(`/api/cafes?${query}`)
    t.equal(response.statusCode, 400, query!)
    t.match(response.json(), { code: 'CHAT_VALIDATION', details: [{ field }] }, query!)
  }
  t.match((await ann.get('/api/cafes/5')).json(), { code: 'CHAT_VALIDATION', details: [{ field: 'id', rule: 'format' }] })
  const unknown = await ann.get(`/api/cafes/${unknownId}`)
  t.equal(unknown.statusCode, 404)
  t.match(unknown.json(), { code: 'CHAT_CAFE_NOT_FOUND' })
  t.equal((await app.pg.query('SELECT FROM cafes')).rowCount, 0, 'nothing was stored')
})

t.test('without a token there is nothing to see', async t => {
  const app = await build(t)
  const cafe = await open(app)
  for (const [method, url] of [['GET', '/api/cafes'], ['POST', '/api/cafes'], ['GET', `/api/cafes/${cafe.id}`]] as const) {
    const response = await app.inject({ method, url, ...(method === 'POST' && { payload: { name: 'x' } }) })
    t.equal(response.statusCode, 401, `${method} ${url}`)
    t.match(response.json(), { code: 'CHAT_UNAUTHENTICATED' })
  }
})

import t from 'tap'
import { listen } from '../../support/build.ts'
import { connect } from '../../support/sockets.ts'
import { enter, open } from './client.ts'

t.test('GET: Prometheus reads what happened', async t => {
  const app = await listen(t)
  const ann = await enter(app, 'ann')
  const cafe = await open(app)
  const url = `/api/chat/messages/${cafe.id}`
  const scrape = async () => app.inject('/metrics')

  const response = await scrape()
  t.equal(response.statusCode, 200)
  t.equal(response.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  t.match(response.body, /^chat_connections 0$/m)

  const socket = await connect(t, app, ann.token)
  await ann.post(url, { content: 'Hello' })
  await ann.post(url, { content: 'Hello' })
  await ann.get('/api/cafes/x')
  await app.inject(url)

  const lines = (await scrape()).body.split('\n')
  for (const line of [
    'chat_connections 1',
    'chat_sends_total 1',
    'chat_acks_total 1',
    'chat_refusals_total{code="CHAT_REPEATED"} 1',
    'chat_refusals_total{code="CHAT_VALIDATION"} 1',
    'chat_refusals_total{code="CHAT_UNAUTHENTICATED"} 1',
    'chat_refusals_total{code="CHAT_INTERNAL"} 0'
  ]) t.ok(lines.includes(line), line)
  for (const name of ['chat_feed_gaps_total', 'chat_feed_repairs_total', 'chat_dropped_frames_total', 'chat_cache_total', 'chat_postgres_waiting', 'chat_postgres_connections', 'chat_open_cafes', 'process_cpu_seconds_total']) {
    t.ok(lines.some(line => line.startsWith(`# TYPE ${name} `)), name)
  }
  socket.disconnect()
})

t.test('a number that cannot be read is an error, not a hole in the figures', async t => {
  const app = await listen(t)
  app.metrics.gauge('chat_broken', 'Whose owner is gone', () => { throw new Error('gone') })
  const response = await app.inject('/metrics')
  t.equal(response.statusCode, 500)
  t.match(response.headers['content-type'], /^application\/json/)
  t.match(response.json(), { code: 'CHAT_INTERNAL' })
})

import Fastify from 'fastify'
import t, { type Test } from 'tap'
import metrics from '../../plugins/metrics.ts'
import { errorCodes } from '../../schemas/errors.ts'

async function boot (t: Test) {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(metrics)
  const show = async () => app.metrics.registry.metrics()
  return { ...app.metrics, show }
}

t.test('the meter moves the counter of each name, under the label that tells series apart', async t => {
  const { meter, show } = await boot(t)
  meter.count('sends')
  meter.count('sends', undefined, 4)
  meter.count('acks')
  meter.count('refusals', 'CHAT_REPEATED')
  meter.count('refusals', 'CHAT_REPEATED')
  meter.count('feed_gaps')
  meter.count('feed_repairs', undefined, 2)
  meter.count('dropped_frames', 'malformed')
  meter.count('cache_hits', undefined, 9)
  meter.count('cache_misses')
  meter.count('hot_state_failures', 'presence')
  meter.count('hot_state_failures')
  meter.count('slow_consumers')

  const lines = (await show()).split('\n')
  for (const line of [
    'chat_sends_total 5',
    'chat_acks_total 1',
    'chat_refusals_total{code="CHAT_REPEATED"} 2',
    'chat_feed_gaps_total 1',
    'chat_feed_repairs_total 2',
    'chat_dropped_frames_total{kind="malformed"} 1',
    'chat_cache_total{result="hit"} 9',
    'chat_cache_total{result="miss"} 1',
    'chat_hot_state_failures_total{part="presence"} 1',
    'chat_hot_state_failures_total{part="other"} 1',
    'chat_slow_consumers_total 1'
  ]) t.ok(lines.includes(line), line)
})

t.test('series that are known beforehand begin at 0', async t => {
  const { show } = await boot(t)
  const lines = (await show()).split('\n')
  for (const code of errorCodes) t.ok(lines.includes(`chat_refusals_total{code="${code}"} 0`), code)
  t.ok(lines.includes('chat_cache_total{result="hit"} 0'))
  t.ok(lines.includes('chat_feed_gaps_total 0'))
})

t.test('a gauge is read at each scrape', async t => {
  const { gauge, show } = await boot(t)
  let connections = 3
  gauge('chat_connections', 'Sockets that are connected', () => connections)
  t.match(await show(), /^chat_connections 3$/m)
  connections = 0
  t.match(await show(), /^chat_connections 0$/m)
  t.throws(() => gauge('chat_connections', 'Again', () => 1), /already been registered/)
})

t.test("names keep to Prometheus' conventions and say what they count", async t => {
  const { gauge, registry } = await boot(t)
  gauge('chat_open_cafes', 'Cafes in memory', () => 1)
  const all = await registry.getMetricsAsJSON()
  for (const { name, type, help } of all) {
    t.match(name, /^[a-z][a-z0-9_]*$/, name)
    t.ok(help.length > 0, name)
    if (name.startsWith('chat_')) t.equal(name.endsWith('_total'), String(type) === 'counter', name)
  }
})

t.test('numbers of the process are there, labelled, and shared by the apps of the process', async t => {
  const one = await boot(t)
  const two = await boot(t)
  one.meter.count('sends')
  t.match(await one.show(), /^process_cpu_seconds_total\{app="klatsch"\} /m)
  t.match(await two.show(), /^nodejs_heap_size_total_bytes\{app="klatsch"\} /m)
  t.match(await two.show(), /^chat_sends_total 0$/m, 'but the chat of each is its own')
  t.equal(one.registry.getSingleMetric('process_cpu_seconds_total'), two.registry.getSingleMetric('process_cpu_seconds_total'))
})

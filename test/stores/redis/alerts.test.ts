import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { Alert } from '../../../services/ports.ts'
import { alertsChannel } from '../../../stores/redis/keys.ts'
import { until } from '../../contracts/cast.ts'
import { startRedis } from '../../support/servers.ts'
import { openState, seal } from './state.ts'

const redis = await startRedis(t)
const [a, b] = await Promise.all([openState(t, redis.url, { nodeId: 'a' }), openState(t, redis.url, { nodeId: 'b' })])
const channel = alertsChannel()
const alertOf = (userId: string): Alert => ({ kind: 'revoked', revocation: { position: 1, userId, at: 1, until: 2 } })

t.test('what no node said, or is nothing of the kind, is dropped and counted', async t => {
  const heard: Alert[] = []
  b.alerts.onAlert(alert => heard.push(alert))
  await b.alerts.listen()
  const publish = (frame: string) => a.data(channel).publish(channel, frame)
  const right = JSON.stringify({ node: 'x', alert: alertOf(randomUUID()) })
  const sealed = (value: unknown) => seal.wrap(channel, typeof value === 'string' ? value : JSON.stringify(value))
  const forged = [right, '', 'x'.repeat(22) + right, seal.wrap('klatsch:other', right)]
  const { revocation } = alertOf(randomUUID())
  const junk = ['', '{', 'null', { node: 'x' }, { node: 'x', alert: { kind: 'other' } }, { node: 'x', alert: { kind: 'revoked', revocation: { ...revocation, at: 'now' } } },
    { node: 'x', alert: { kind: 'revoked', revocation: { position: 1, at: 1, until: 2 } } }, { node: 'x', alert: { kind: 'revoked', revocation: { ...revocation, tokenId: 'both' } } }]
  for (const frame of [...forged, ...junk.map(sealed)]) await publish(frame)
  await publish(sealed({ node: 'x', newer: true, alert: { ...alertOf('5c8fd5a5-9b0a-4f7e-8a3e-3a1c0b4c2f10'), more: 1 } }))
  await until(() => heard.length === 1)
  t.match(heard, [{ revocation: { userId: '5c8fd5a5-9b0a-4f7e-8a3e-3a1c0b4c2f10' } }], 'fields that this node does not know are let through')
  t.equal(b.counted('dropped_frames', 'alert_forged'), forged.length)
  t.equal(b.counted('dropped_frames', 'alert_junk'), junk.length)
})

t.test('a listener that fails is reported, and the others hear it', async t => {
  const heard: Alert[] = []
  b.alerts.onAlert(() => { throw new Error('no') })
  b.alerts.onAlert(alert => heard.push(alert))
  a.alerts.send(alertOf(randomUUID()))
  await until(() => heard.length === 1)
  t.match(b.reports, [{ what: 'take an alert' }])
})

t.test('while Redis is away nothing throws; it is counted and reported', async t => {
  redis.kill()
  await until(() => a.data(channel).status !== 'ready')
  t.equal(a.alerts.send(alertOf(randomUUID())), undefined)
  await until(() => a.counted('dropped_frames', 'alert_publish') === 1)
  t.match(a.reports.map(({ what }) => what), ['publish an alert'])
  await t.rejects(a.alerts.listen(), 'and who wants to listen is told')
})

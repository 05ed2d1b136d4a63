import t from 'tap'
import { checkLog } from '../../stores/postgres/cast.ts'
import { call, connect, emit, heard, until } from '../../support/sockets.ts'
import { createShapes, enter, found, type Node, visit } from './cast.ts'

const { onBoth } = await createShapes(t)

await onBoth('the same text twice at once, on two nodes and by both transports: one is stored', async (t, here, there) => {
  const { id: cafeId } = await found(here)
  for (let round = 0; round < 8; round++) {
    const ann = await visit(t, here, `ann ${round}`, cafeId)
    const phone = await connect(t, there, ann.token, { auth: { cafeId }, transports: [round % 2 === 0 ? 'polling' : 'websocket'] })
    await until('the phone is in', () => heard(phone, 'message:history').length === 1)
    const content = `Buy now! ${round}`
    const overRest = (node: Node) => fetch(`${node.url}/api/chat/messages/${cafeId}`, {
      method: 'POST', headers: { authorization: `Bearer ${ann.token}`, 'content-type': 'application/json' }, body: JSON.stringify({ content })
    })
    const [socket, other, rest, restThere] = await Promise.all([
      emit(ann.socket, 'message:send', { cafeId, content }), emit(phone, 'message:send', { cafeId, content }), overRest(here), overRest(there)
    ])
    const statuses = [...[socket, other].map(ack => ack.ok ? 201 : ack.error.code), rest.status, restThere.status]
    t.equal(statuses.filter(status => status === 201).length, 1, `${statuses}`)
    for (const error of [socket, other].flatMap(ack => ack.ok ? [] : [ack.error])) t.ok(error.code === 'CHAT_REPEATED' && error.retryAfterMs! > 0 && error.retryAfterMs! <= 10_000)
    for (const response of [rest, restThere]) {
      const body = await response.json() as { code?: string, retryAfterMs?: number }
      if (response.status !== 201) t.ok(response.status === 429 && body.code === 'CHAT_REPEATED' && body.retryAfterMs! > 0 && Number(response.headers.get('retry-after')) >= 1)
    }
  }
  const { total } = await call<{ total: number }>(here, 'GET', `/api/chat/messages/${cafeId}`, { token: (await enter(t, here, 'reader')).token })
  t.equal(total, 8)
  await checkLog(t, here.pg.pool)
})

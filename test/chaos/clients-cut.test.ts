import { setTimeout as delay } from 'node:timers/promises'
import type { Socket } from 'socket.io-client'
import t from 'tap'
import { size } from './sizes.ts'
import { clean, finish, setUp } from './stage.ts'

t.setTimeout(100_000)

const CUTS = size.balanced === undefined ? 300 : 1000

t.test('clients send and lose the connection before the answer, again and again, and send again under the same clientId', async t => {
  const stage = await setUp(t, { clients: 20, options: { transports: ['websocket'], reconnectionDelay: 20 } })
  const { crowd, nodes } = stage
  let answered = 0
  const brokenAt = Date.now()
  await Promise.all(crowd.members.map(async (member, index) => {
    for (let round = 0; round < CUTS / crowd.members.length; round++) {
      const attempt = crowd.begin(member, `cut off in round ${round}, by ${member.record.name}`)
      const { cafeId, clientId, content } = attempt
      attempt.tries++
      let isAnswered = false
      member.socket.emit('message:send', { cafeId, clientId, content }, () => { isAnswered = true })
      // From before the server has read it to about when it answers.
      if (round % 3 > 0) await delay(round % 3 + index % 3)
      if (isAnswered) answered++
      terminate(member.socket)
      if (round % 5 === 4) member.move((member.record.node + 1) % nodes.length)
      else member.joined = false
      await crowd.insist(member, attempt)
    }
  }))
  const verdict = await finish(t, stage, { brokenAt, healedAt: Date.now() })
  const duplicates = crowd.records.attempts.filter(({ duplicate }) => duplicate).length
  t.comment(`${CUTS} cuts, ${answered} of them after the answer; ${duplicates} first tries had been stored, ${CUTS - duplicates} had not`)
  t.equal(verdict.attempted, CUTS)
  clean(t, verdict)
  t.ok(answered < CUTS / 2, 'most were cut before the answer')
  t.ok(duplicates > 0, 'of some the first try had been stored')
})

/** Ends the TCP connection without a word. */
function terminate ({ io }: Socket) {
  const { ws } = io.engine.transport as unknown as { ws: { terminate: () => void } }
  ws.terminate()
}

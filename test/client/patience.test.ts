import t from 'tap'
import { listen } from '../support/build.ts'
import { startProxy } from '../support/proxy.ts'
import { guest, openCafe, until } from '../support/sockets.ts'
import { enter, texts, watch } from './cast.ts'

t.setTimeout(100_000)

t.test('a token that expires is exchanged before, and nothing is missed', async t => {
  const app = await listen(t, { JWT_EXPIRES_IN: '3s' })
  const ann = await guest(app, 'Ann')
  const { id } = await openCafe(app, ann)
  const tokens: string[] = []
  const client = enter(t, { url: app.url, token: ann.token, onToken: token => { tokens.push(token) } })
  const states = watch(client)
  const cafe = client.join(id)
  const sendings: Array<ReturnType<typeof cafe.send>> = []
  for (const until = Date.now() + 5000; Date.now() < until;) {
    sendings.push(cafe.send(`at ${Date.now()}`))
    await new Promise(resolve => { setTimeout(resolve, 700) })
  }
  await Promise.all(sendings.map(({ settled }) => settled()))
  t.strictSame(sendings.filter(({ state }) => state !== 'sent'), [])
  t.strictSame(texts(cafe), sendings.map(({ content }) => content))
  t.ok(tokens.length > 0, `${tokens.length} times`)
  t.notOk(states.includes('refused'))
})

t.test('a server that is silent: answers are late, and come as an error with a code', async t => {
  const { url } = await listen(t)
  const ann = await guest({ url }, 'Ann')
  const { id } = await openCafe({ url }, ann)
  const proxy = await startProxy(t, url)
  const client = enter(t, { url: proxy.url, token: ann.token })
  const cafe = client.join(id)
  await cafe.whenJoined()
  proxy.pause()
  const sending = cafe.send('Hello?')
  await until('it says why', () => sending.error !== undefined, 15_000)
  t.match(sending, { state: 'pending', error: { code: 'CLIENT_TIMEOUT' } })
  proxy.resume()
  t.equal((await sending.settled()).state, 'sent')
  t.strictSame(texts(cafe), ['Hello?'], 'once')
})

t.test('a message that makes the server close the connection does not do so for ever', async t => {
  const app = await listen(t, { SOCKET_MAX_PAYLOAD: '1024' })
  const ann = await guest(app, 'Ann')
  const { id } = await openCafe(app, ann)
  const client = enter(t, { url: app.url, token: ann.token })
  const cafe = client.join(id)
  await cafe.whenJoined()
  const [large, next] = [cafe.send('☕'.repeat(400)), cafe.send('and on')]
  await until('it is refused', () => large.state === 'failed', 40_000)
  t.match(large.error, { code: 'CHAT_PAYLOAD_TOO_LARGE' })
  t.equal((await next.settled()).state, 'sent')
})

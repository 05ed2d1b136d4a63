import { parseHTML } from 'linkedom'
import t from 'tap'
import { clientEvents, entities, serverEvents } from '../../../schemas/index.ts'
import { build } from '../../support/build.ts'
import { read } from '../../docs/markdown.ts'

t.test('the server serves what is committed', async t => {
  const app = await build(t)
  for (const name of ['openapi.json', 'asyncapi.json', 'schemas/Message.json', 'schemas/Contract.json']) {
    const response = await app.inject(`/docs/${name}`)
    t.equal(response.statusCode, 200)
    t.match(response.headers['content-type'], /^application\/(schema\+)?json/)
    t.ok(response.body === read(`docs/${name}`), name)
  }
})

t.test('what is no schema is not found', async t => {
  const app = await build(t)
  t.equal((await app.inject('/docs/schemas/None.json')).json<{ code: string }>().code, 'CHAT_ROUTE_NOT_FOUND')
  t.equal((await app.inject('/docs/schemas/..%2fopenapi.json')).statusCode, 400)
})

t.test('the page has an anchor for every event, route and type, asks nobody else, and runs nothing', async t => {
  const app = await build(t)
  const response = await app.inject('/docs')
  t.match(response.headers, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': /default-src 'none'; style-src 'self'/ })
  const { document } = parseHTML(response.body)
  t.equal(document.querySelectorAll('script, style, [style], iframe, img').length, 0)
  const links = [...document.querySelectorAll('[href], [src]')].map(element => element.getAttribute('href')!)
  t.strictSame(links.filter(link => /^(\w+:|\/)/.test(link)), [], 'all links are relative')
  for (const link of links.filter(one => one.startsWith('#'))) t.ok(document.getElementById(link.slice(1)), link)

  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id)
  t.equal(new Set(ids).size, ids.length, 'no anchor twice')
  const slug = (name: string) => name.replace(':', '-')
  for (const name of Object.keys(clientEvents)) t.ok(ids.includes(`client-${slug(name)}`), name)
  for (const name of Object.keys(serverEvents)) t.ok(ids.includes(`server-${slug(name)}`), name)
  t.ok(ids.includes('rest-get-api-chat-messages-id') && ids.includes('rest-delete-api-chat-messages-id'))
  for (const { $id } of entities) t.ok(ids.includes(`type-${$id!}`), $id!)
  t.ok(document.body.textContent!.includes('Hello everyone!'), 'with examples')
})

t.test('text of a schema is text on the page', async t => {
  const { html, inline } = await import('../../../documents/html.ts')
  t.equal(html`<p title="${'"'}">${'<b>&'}${undefined}${[1, html`<i>x</i>`]}</p>`.html, '<p title="&quot;">&lt;b&gt;&amp;1<i>x</i></p>')
  t.equal(html`${inline('a `<b>` c')}`.html, 'a <code>&lt;b&gt;</code> c')
})

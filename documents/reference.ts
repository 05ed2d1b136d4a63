import { type Field, fieldList, fieldsOf, nameOf, sample, typeAnchor, typeOf } from './fields.ts'
import { html, type Html, inline, prose } from './html.ts'
import type { Json, JsonObject } from './json-schemas.ts'

type Schemas = Record<string, JsonObject>

interface Message { name: string, summary: string, payload: JsonObject, examples: Array<{ payload: Json }> }
interface Operation { action: string, title: string, summary: string, messages: JsonObject[], reply?: { messages: JsonObject[] } }
interface Parameter { name: string, in: string, required: boolean, description?: string, schema: JsonObject }
interface Response { description: string, content?: Record<string, { schema: JsonObject }> }
interface Route {
  summary: string
  description?: string
  tags: string[]
  security: unknown[]
  parameters?: Parameter[]
  requestBody?: { required: boolean, content: Record<string, { schema: JsonObject }> }
  responses: Record<string, Response>
}

/** One chapter: its heading, and what stands in the list of contents. */
interface Entry { anchor: string, label: string, body: Html }

const schemasOf = (document: JsonObject) => (document.components as { schemas: Schemas }).schemas
const slug = (text: string) => text.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '')

/** A type by name with all its fields, wherever it is shown. A union shows those of each of its kinds. */
function shape (name: string, schemas: Schemas): Html {
  const schema = schemas[name]!
  if (schema.anyOf === undefined) return html`${fieldList(fieldsOf(schema), schemas) ?? html`<p>${typeOf(schema)}</p>`}`
  return html`${(schema.anyOf as JsonObject[]).map(one => {
    const kind = nameOf(one)!
    return html`<p>Either <a href="#${typeAnchor(kind)}">${kind}</a>: ${inline(String(schemas[kind]!.description))}</p>${shape(kind, schemas)}`
  })}`
}

/** An event with what it carries; one of the client also with what its ack answers. */
function eventEntry (side: string, operation: Operation, asyncapi: JsonObject): Entry {
  const messages = (asyncapi.components as unknown as { messages: Record<string, Message> }).messages
  const schemas = schemasOf(asyncapi)
  const find = (pointers: JsonObject[]) => messages[String(pointers[0]!.$ref).split('/').at(-1)!]!
  const request = find(operation.messages)
  const reply = operation.reply && find(operation.reply.messages)
  const payload = nameOf(request.payload)!
  const anchor = `${side}-${slug(operation.title)}`
  return {
    anchor,
    label: operation.title,
    body: html`<article id="${anchor}"><h3><a href="#${anchor}"><code>${operation.title}</code></a></h3>
<p>${operation.summary}. Carries <a href="#${typeAnchor(payload)}">${payload}</a>.</p>
${shape(payload, schemas)}
${request.examples.map(({ payload }) => sample('Example', payload))}
${reply && html`<h4>Ack</h4><p>The <code>data</code> of the ack, when all went well: ${ackData(reply, schemas)}. Else it holds an <a href="#${typeAnchor('ErrorBody')}">ErrorBody</a>.</p>
${sample('Ack', reply.examples[0]!.payload)}`}</article>`
  }
}

/** The first kind of an ack is the good one. */
function ackData (reply: Message, schemas: Schemas): Html {
  const [accepted] = schemas[nameOf(reply.payload)!]!.anyOf as JsonObject[]
  return typeOf((schemas[nameOf(accepted!)!]!.properties as Record<string, JsonObject>).data!)
}

function routeEntry (method: string, path: string, route: Route, schemas: Schemas): Entry {
  const label = `${method.toUpperCase()} ${path}`
  const anchor = `rest-${slug(label)}`
  const body = Object.values(route.requestBody?.content ?? {})[0]?.schema
  const parameters = (route.parameters ?? []).map(({ name, in: where, required, schema, description }): Field =>
    ({ name, required, schema, description: `${description ?? ''}${where === 'path' ? ' (in the path)' : ''}` }))
  const good = Object.entries(route.responses).filter(([status]) => status < '300').map(([, response]) => Object.values(response.content ?? {})[0]?.schema)
  const name = good.map(schema => schema && nameOf(schema)).find(found => found !== undefined)
  return {
    anchor,
    label,
    body: html`<article id="${anchor}"><h3><a href="#${anchor}"><b>${method.toUpperCase()}</b> <code>${path}</code></a></h3>
<p>${inline(route.summary)}. ${route.security.length > 0 ? 'Needs a token.' : 'Needs no token.'}</p>${route.description === undefined ? undefined : prose(route.description)}
${parameters.length === 0 ? undefined : html`<h4>Parameters</h4>${fieldList(parameters, schemas)}`}
${body === undefined ? undefined : html`<h4>Body</h4><p>${typeOf(body)}${route.requestBody!.required ? '' : ', or none at all'}</p>${shape(nameOf(body)!, schemas)}${sample('Example', exampleOf(body, schemas))}`}
<h4>Answers</h4><dl class="answers">${Object.entries(route.responses).map(([status, { description, content = {} }]) => html`<div><dt>${status}</dt><dd>${inline(description)}${
  Object.entries(content).map(([type, { schema }]) => html` <span class="type">${nameOf(schema) === undefined ? type : typeOf(schema)}</span>`)}</dd></div>`)}</dl>
${name === undefined ? undefined : sample(name, exampleOf({ $ref: `#/components/schemas/${name}` }, schemas))}</article>`
  }
}

const exampleOf = (schema: JsonObject, schemas: Schemas): Json => (schemas[nameOf(schema)!]!.examples as Json[])[0]!

function typeEntry (name: string, schemas: Schemas): Entry {
  const anchor = typeAnchor(name)
  return {
    anchor,
    label: name,
    body: html`<article id="${anchor}"><h3><a href="#${anchor}">${name}</a></h3><p>${inline(String(schemas[name]!.description))}. <a href="docs/schemas/${name}.json">JSON Schema</a></p>${shape(name, schemas)}</article>`
  }
}

const contents = (entries: Entry[]) => html`<ul>${entries.map(({ anchor, label }) => html`<li><a href="#${anchor}">${label}</a></li>`)}</ul>`

/** Both documents as one page for people. Its links are relative: it stands at `docs`, beside the folder of the same name. */
export function buildReference (openapi: JsonObject, asyncapi: JsonObject): string {
  const operations = Object.values(asyncapi.operations as unknown as Record<string, Operation>)
  const schemas = { ...schemasOf(asyncapi), ...schemasOf(openapi) }
  const routes = Object.entries(openapi.paths as unknown as Record<string, Record<string, Route>>)
    .flatMap(([path, item]) => Object.entries(item).map(([method, route]) => ({ method, path, route })))
  const tags = openapi.tags as Array<{ name: string, description: string }>
  const { version } = openapi.info as { version: string }
  const [{ url }] = openapi.servers as [{ url: string }]
  const path = (asyncapi.servers as { node: { pathname: string } }).node.pathname.slice(0, -1)
  const { token } = (asyncapi.components as { securitySchemes: { token: { description: string } } }).securitySchemes

  const chapters: Array<{ anchor: string, title: string, about: Html[], entries: Entry[] }> = [
    {
      anchor: 'client',
      title: 'Events of the client',
      about: prose('What a client may send over Socket.IO. Each event takes one object and, if you like, an ack function, which gets `{ "ok": true, "data" }` or `{ "ok": false, "error" }`. Without one a failure comes as the `error` event.'),
      entries: operations.filter(({ action }) => action === 'receive').map(operation => eventEntry('client', operation, asyncapi))
    },
    {
      anchor: 'server',
      title: 'Events of the server',
      about: prose('What a client hears. The first is `connected`; the rest follows from the cafes that it has joined.'),
      entries: operations.filter(({ action }) => action === 'send').map(operation => eventEntry('server', operation, asyncapi))
    },
    {
      anchor: 'rest',
      title: 'REST',
      about: prose(`Paths are below \`${url}\`. Bodies are JSON; every failure has the body ErrorBody. A token goes into the header, as \`Authorization: Bearer\`.`),
      entries: tags.flatMap(({ name }) => routes.filter(({ route }) => route.tags.includes(name)).map(({ method, path, route }) => routeEntry(method, path, route, schemas)))
    },
    {
      anchor: 'types',
      title: 'Types',
      about: prose('Everything with a name. An unknown field is an error where the server reads, and may come one day where the client does.'),
      entries: Object.keys(schemas).toSorted().map(name => typeEntry(name, schemas))
    }
  ]

  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>klatsch ${version}: reference</title>
<link rel="stylesheet" href="docs/reference.css">
</head>
<body>
<a class="skip" href="#main">To the content</a>
<nav aria-label="Contents"><p class="name"><a href="#top">klatsch</a> <small>${version}</small></p>
${chapters.map(({ anchor, title, entries }) => html`<details${anchor === 'types' ? undefined : html` open`}><summary><a href="#${anchor}">${title}</a></summary>${contents(entries)}</details>`)}</nav>
<main id="main">
<header id="top"><h1>klatsch: the reference</h1>
<p>Everything that a client can ask and hear, over REST and over Socket.IO. It is made from the schemas that this server checks by.</p>
<p>For generators: <a href="docs/openapi.json">OpenAPI 3.1</a>, <a href="docs/asyncapi.json">AsyncAPI 3</a>, and JSON Schemas, of which <a href="docs/schemas/Contract.json">Contract.json</a> has all.</p>
<h2>Connecting</h2>
<p>${inline(token.description)}</p>
<pre tabindex="0"><code>const socket = io(url, { path: ${JSON.stringify(path)}, auth: { token, cafeId } })</code></pre></header>
${chapters.map(({ anchor, title, about, entries }) => html`<section id="${anchor}"><h2><a href="#${anchor}">${title}</a></h2>${about}${entries.map(({ body }) => body)}</section>`)}
</main>
</body>
</html>
`.html
}

import type { TSchema } from '@sinclair/typebox'
import type { EventSpec } from '../schemas/contract.ts'
import { clientEvents, serverEvents } from '../schemas/events.ts'
import { acks, exampleOf, pascal } from './contract.ts'
import { closureOf, type Json, type JsonObject } from './json-schemas.ts'

const SCHEMAS = '#/components/schemas/'
const MESSAGES = '#/components/messages/'
const CHANNEL = 'chat'

const ref = (pointer: string) => ({ $ref: pointer })
const inChannel = (message: string) => ref(`#/channels/${CHANNEL}/messages/${message}`)

/** What travels under one name in one direction. `key`: in the document; both directions have a `presence:update`. */
interface Parcel { key: string, event: string, summary: string, schema: TSchema, kind: 'event' | 'ack' }

function describe ({ key, event, summary, schema, kind }: Parcel): [string, Json] {
  const payloads = (schema.examples ?? [exampleOf(schema)]) as Json[]
  return [key, {
    name: kind === 'ack' ? `${event} (ack)` : event,
    title: key,
    summary,
    description: schema.description as string,
    contentType: 'application/json',
    payload: ref(SCHEMAS + schema.$id!),
    examples: payloads.map((payload, index) => ({ name: `${key}${index + 1}`, payload }))
  }]
}

const client = Object.entries(clientEvents).map(([event, { summary, payload }]) => {
  const key = `Client${pascal(event)}`
  return {
    request: { key, event, summary, schema: payload, kind: 'event' } satisfies Parcel,
    reply: { key: `${key}Ack`, event, summary: `What the ack of ${event} answers`, schema: acks.get(event)!.ack, kind: 'ack' } satisfies Parcel
  }
})

const server = Object.entries(serverEvents).map(([event, { summary, payload }]: [string, EventSpec]): Parcel =>
  ({ key: `Server${pascal(event)}`, event, summary, schema: payload, kind: 'event' }))

const receiving = client.map(({ request, reply }): [string, Json] => [`receive${pascal(request.event)}`, {
  action: 'receive',
  title: request.event,
  channel: ref(`#/channels/${CHANNEL}`),
  summary: request.summary,
  messages: [inChannel(request.key)],
  reply: { channel: ref(`#/channels/${CHANNEL}`), messages: [inChannel(reply.key)] }
}])

const sending = server.map(({ key, event, summary }): [string, Json] => [`send${pascal(event)}`, {
  action: 'send',
  title: event,
  channel: ref(`#/channels/${CHANNEL}`),
  summary,
  messages: [inChannel(key)]
}])

const DESCRIPTION = `The events of the chat, over Socket.IO 4. Each carries one object.

An event of the client may have an ack function; it is answered by \`{ "ok": true, "data" }\` or \`{ "ok": false, "error" }\`. Without one a failure comes as the \`error\` event.

This document is written from the side of the server: it receives the events of the client and sends its own.`

/**
 * AsyncAPI 3 over the two tables of events.
 * @param info.license the SPDX name
 * @param info.path of Socket.IO
 */
export function buildAsyncApi ({ version, license, path }: { version: string, license: string, path: string }): JsonObject {
  const parcels = [...client.flatMap(({ request, reply }) => [request, reply]), ...server] as Parcel[]
  const messages = Object.fromEntries(parcels.map(describe))
  const connection = {
    pathname: `${path}/`,
    security: [ref('#/components/securitySchemes/token')]
  }
  return {
    asyncapi: '3.1.0',
    info: {
      title: 'klatsch events',
      version,
      description: DESCRIPTION,
      license: { name: license, url: `https://spdx.org/licenses/${license}.html` },
      tags: [{ name: 'chat', description: 'Public rooms where people talk and see who is there' }]
    },
    defaultContentType: 'application/json',
    servers: {
      node: { host: 'localhost:3000', protocol: 'ws', description: 'A node that runs here, as it is started without settings', ...connection },
      balanced: {
        host: '{host}',
        protocol: 'wss',
        description: 'Nodes behind a balancer, where TLS ends',
        variables: { host: { default: 'chat.localhost', description: 'Name of the balancer, with its port if it is another than 443' } },
        ...connection
      }
    },
    channels: {
      [CHANNEL]: {
        address: '/',
        title: 'The connection',
        summary: 'Everything goes over one connection',
        description: 'The default namespace of Socket.IO. Which cafes a client hears is said by `join:cafe`.',
        servers: [ref('#/servers/node'), ref('#/servers/balanced')],
        messages: Object.fromEntries(parcels.map(({ key }) => [key, ref(MESSAGES + key)]))
      }
    },
    operations: Object.fromEntries([...receiving, ...sending]),
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'A token comes from `POST /api/auth/guest`, or from another issuer that the server trusts. It goes into the handshake, as `auth: { token }`; `cafeId` and `since` beside it join at once.'
        }
      },
      messages,
      schemas: closureOf(parcels.map(({ schema }) => schema.$id!), SCHEMAS)
    }
  }
}

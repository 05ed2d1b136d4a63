/** Requests by rule: what any operation of the document takes, and what it must refuse. */
import { randomUUID } from 'node:crypto'
import { operations, type Operation } from './documents.ts'
import { bearerOf, issueAccount } from './doors.ts'
import type { Request, Visitors } from './visitor.ts'

/** What there is to ask about: a cafe, and a message in it. */
export interface Place { cafeId: string, messageId: string }

const LONG = 'x'.repeat(20_000)
const LARGE = { content: 'x'.repeat(70_000) }

const hasParameter = ({ path }: Operation) => path.includes('{')

/** A request that is right. */
export function rightRequest ({ id, method }: Operation, { cafeId, messageId }: Place): Request {
  const one = id === 'editMessage' || id === 'deleteMessage' ? messageId : id === 'readSchema' ? 'Message.json' : cafeId
  const bodies: Record<string, object> = { openCafe: { name: 'Corner Table' }, sendMessage: { content: `Good morning ${randomUUID()}` }, editMessage: { content: 'Good evening' }, enterAsGuest: {}, linkAccount: { token: issueAccount() }, revokeTokens: { tokenId: randomUUID() } }
  return { id: one, ...(id === 'findUsers' && { query: `?userIds=${randomUUID()}` }), ...(method !== 'GET' && bodies[id] && { body: bodies[id] }) }
}

/** One that breaks the schema: its path, else its body, else its query. */
function wrongRequest (operation: Operation): Request {
  if (hasParameter(operation)) return { id: '-' }
  return operation.method === 'GET' ? { query: '?limit=0' } : { body: '{' }
}

/** Of something that is not there. */
const missing = (operation: Operation, place: Place): Request => ({ ...rightRequest(operation, place), id: operation.id === 'readSchema' ? 'None.json' : randomUUID() })

/** What every operation refuses that says so in the document, and what brings it to do it. */
const causes: Record<number, (operation: Operation, place: Place) => Request & { token?: string | undefined }> = {
  400: wrongRequest,
  401: (operation, place) => ({ ...rightRequest(operation, place), token: undefined }),
  404: missing,
  413: (operation, place) => ({ ...rightRequest(operation, place), body: LARGE }),
  415: (operation, place) => ({ ...rightRequest(operation, place), body: 'hello', type: 'text/plain' }),
  431: (operation, place) => ({ ...rightRequest(operation, place), headers: { 'x-long': LONG } })
}

/** Makes every operation refuse what is the client's fault, in every way that the document has. */
export async function refuseAll ({ call }: Visitors, token: string, place: Place) {
  await Promise.all(operations.flatMap(operation => [...operation.answers.keys()].map(async status => {
    const request = causes[status]?.(operation, place)
    if (request !== undefined) await call('token' in request ? undefined : token, operation.id, status, request)
  })))
}

/** Makes every operation fail that may fail so: asked for something right, by somebody whom this node knows, or by a stranger. */
export async function failAll ({ call }: Visitors, status: 500 | 503, token: string, place: Place) {
  await Promise.all(operations.filter(({ answers }) => answers.has(status)).map(async operation => {
    // Who somebody is is in the database too, and is all that some ask it for.
    await call(bearerOf(operation.id, token, true), operation.id, status, rightRequest(operation, place))
  }))
}

/** Every GET route answers HEAD, by the same status and without a body. @returns those that do otherwise */
export async function headAll ({ head, attempt }: Visitors, token: string, place: Place): Promise<string[]> {
  const answers = await Promise.all(operations.filter(({ method }) => method === 'GET').map(async operation => {
    const request = rightRequest(operation, place)
    const [short, whole] = [await head(token, operation, request), await attempt(token, operation.id, request)]
    return short.status === whole.status && short.text === '' ? [] : [operation.id]
  }))
  return answers.flat()
}

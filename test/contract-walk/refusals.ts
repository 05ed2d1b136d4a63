/** What a client does wrong, or too often. */
import { randomUUID } from 'node:crypto'
import type { Cafe, SendReply } from '../../schemas/index.ts'
import { type Client, once, refusal, until } from '../support/sockets.ts'
import { clientEvents } from './documents.ts'
import type { Place } from './requests.ts'
import { issue, type Visitors } from './visitor.ts'
import type { Witness } from './witness.ts'

/** Far more than any limit of this walk lets pass at once. */
const TRIES = 100
/** Until the token of who stays too long ends: time enough to come in. */
const STAY_MS = 5000

/** Does it again until it is refused for haste. */
async function exhaust (what: string, attempt: () => Promise<string | undefined>) {
  for (let tries = 0; tries < TRIES; tries++) {
    const code = await attempt()
    if (code === 'CHAT_RATE_LIMITED') return
    if (code !== undefined) throw new Error(`${what} failed with ${code}`)
  }
  throw new Error(`${what} was done ${TRIES} times`)
}

const errorOf = ({ text }: { text: string }): string | undefined => (JSON.parse(text) as { code?: string }).code

/** Mistakes in events, and what belongs to others. */
export async function blunder ({ call, enter, connect, ask, refuse, goNowhere }: Visitors, { cafeId, messageId }: Place) {
  const { token } = await enter('Mallory')
  const socket = await connect(token)
  for (const event of clientEvents.keys()) await refuse(socket, event, 'CHAT_VALIDATION', { colour: 'red' })
  await refuse(socket, 'dance', 'CHAT_UNKNOWN_EVENT', {})
  await goNowhere()

  await refuse(socket, 'join:cafe', 'CHAT_CAFE_NOT_FOUND', { cafeId: randomUUID() })
  for (const event of ['leave:cafe', 'typing:start', 'typing:stop']) await refuse(socket, event, 'CHAT_NOT_MEMBER', { cafeId })
  await refuse(socket, 'message:send', 'CHAT_NOT_MEMBER', { cafeId, content: 'Hello' })
  for (const [event, more] of [['message:edit', { content: 'Mine' }], ['message:delete', {}]] as const) {
    await refuse(socket, event, 'CHAT_MESSAGE_NOT_FOUND', { messageId: randomUUID(), ...more })
    await refuse(socket, event, 'CHAT_FORBIDDEN', { messageId, ...more })
  }
  await call(token, 'editMessage', 403, { id: messageId, body: { content: 'Mine' } })
  await call(token, 'deleteMessage', 403, { id: messageId })

  await ask(socket, 'join:cafe', { cafeId })
  const { message } = await ask(socket, 'message:send', { cafeId, content: 'Once', clientId: 'one' })
  await refuse(socket, 'message:send', 'CHAT_REPEATED', { cafeId, content: 'Once' })
  await call(token, 'sendMessage', 429, { id: cafeId, body: { content: 'Once' } })
  await refuse(socket, 'message:send', 'CHAT_CLIENT_ID_CONFLICT', { cafeId, content: 'Twice', clientId: 'one' })
  await call(token, 'sendMessage', 409, { id: cafeId, body: { content: 'Twice', clientId: 'one' } })
  for (const content of [' ', 'x'.repeat(501)]) await refuse(socket, 'message:send', 'CHAT_CONTENT_INVALID', { cafeId, content })
  await refuse(socket, 'message:edit', 'CHAT_CONTENT_INVALID', { messageId: message.id, content: ' ' })
  await call(token, 'sendMessage', 400, { id: cafeId, body: { content: ' ' } })
  // Who grants the role is another issuer; deleting is all that it allows.
  await ask(await connect(issue(undefined, 'moderator')), 'message:delete', { messageId: message.id })
}

/** One hasty visitor for each limit. */
export async function hurry (visitors: Visitors, cafeId: string) {
  const { attempt, call, enter, connect, ask, refuse, say } = visitors
  const codeOf = async (socket: Client, event: string, payload: object) => {
    const ack = await say(socket, event, payload)
    return ack.ok ? undefined : ack.error.code
  }
  async function arrive (name: string) {
    const { token } = await enter(name)
    const socket = await connect(token)
    await ask(socket, 'join:cafe', { cafeId })
    return { token, socket }
  }

  async function send () {
    const { token, socket } = await arrive('Hasty Writer')
    const { message: { id } } = await call<SendReply>(token, 'sendMessage', 201, { id: cafeId, body: { content: 'Let me think' } })
    const edit = () => ({ messageId: id, content: 'Let me think' })
    const next = () => ({ content: randomUUID() })
    await exhaust('message:edit', () => codeOf(socket, 'message:edit', edit()))
    await exhaust('message:send', () => codeOf(socket, 'message:send', { cafeId, ...next() }))
    await exhaust('editMessage', async () => errorOf(await attempt(token, 'editMessage', { id, body: { content: 'Let me think' } })))
    await exhaust('sendMessage', async () => errorOf(await attempt(token, 'sendMessage', { id: cafeId, body: next() })))
  }
  async function others () {
    const { token, socket } = await arrive('Hasty Guest')
    const cafes = await Promise.all(['Bar', 'Garden'].map(name => call<Cafe>(token, 'openCafe', 201, { body: { name } })))
    await ask(socket, 'join:cafe', { cafeId: cafes[0]!.id })
    await refuse(socket, 'join:cafe', 'CHAT_LIMIT_REACHED', { cafeId: cafes[1]!.id })
    for (const event of ['typing:start', 'join:cafe']) await exhaust(event, () => codeOf(socket, event, { cafeId }))
    await exhaust('presence:update', () => codeOf(socket, 'presence:update', { status: 'busy' }))
  }
  await Promise.all([send(), others()])
}

/** A token that never was one, and one that ends while its bearer is in. */
export async function overstay (visitors: Visitors, witness: Witness, place: Place) {
  const { attempt, open } = visitors
  witness.turnedAway(await refusal(open('no token')))
  let token: string | undefined
  for (let tries = 0; token === undefined && tries < 3; tries++) token = await stayTooLong(visitors, place)
  if (token === undefined) throw new Error('nobody was refused for a token that had ended')
  // Clocks differ: at the door it is taken for a second longer.
  await until('it opens no door', async () => (await attempt(token, 'listCafes')).status === 401)
  witness.turnedAway(await refusal(open(token)))
}

/** Does everything in the moment between the end of a token and being cut off. @returns the token; undefined if that came first */
async function stayTooLong ({ open, refuse }: Visitors, { cafeId, messageId }: Place): Promise<string | undefined> {
  const token = issue(Date.now() + STAY_MS)
  const socket = open(token)
  const { expiresAt } = await once(socket, 'connected')
  await until('the token has ended', () => Date.now() > Date.parse(expiresAt), STAY_MS + 1000)
  const payloads: Record<string, object> = { 'message:send': { cafeId, content: 'Too late' }, 'message:edit': { messageId, content: 'Too late' }, 'message:delete': { messageId }, 'presence:update': { status: 'online' } }
  try {
    await Promise.all([...clientEvents.keys()].map(event => refuse(socket, event, 'CHAT_UNAUTHENTICATED', payloads[event] ?? { cafeId })))
    return token
  } catch (error) {
    if (socket.connected) throw error
  }
}

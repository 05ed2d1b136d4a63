import type { ClientEvents } from '../../schemas/events.ts'
import { type Kind, refused, type Want } from './cells.ts'
import { body, clientId, content, id, name, payload, since, status, statusText, textForMs, type Ways } from './json-kinds.ts'
import { bearer, handshakeToken, token, tokenId } from './token-kinds.ts'
import { file, idCursor, idList, integer, pathId, query, textCursor } from './url-kinds.ts'

/*
 * Which kind each field of each event and route is of. Events and their fields come from the tables of events, routes and theirs from the OpenAPI document:
 * one that is new has no place here yet, and fails the test until it has.
 */

const NO_CAFE: Want = { code: 'CHAT_CAFE_NOT_FOUND' }
const NO_MESSAGE: Want = { code: 'CHAT_MESSAGE_NOT_FOUND' }
const NO_MEMBER: Want = { code: 'CHAT_NOT_MEMBER' }
const FORBIDDEN: Want = { code: 'CHAT_FORBIDDEN' }
const ACCOUNT_TAKEN: Want = { code: 'CHAT_ACCOUNT_TAKEN' }
const MOST = Number.MAX_SAFE_INTEGER

/** Of cafes, where only their members may do something. */
const ofMembers: Ways = { unknown: NO_MEMBER, foreign: [['other cafe', NO_MEMBER], ['my message', NO_MEMBER]] }
const ofAll: Ways = { unknown: NO_CAFE, foreign: [['other cafe', 'taken'], ['my message', NO_CAFE], ['user', NO_CAFE]] }
const ofAuthors: Ways = { unknown: NO_MESSAGE, foreign: [['message of bob', FORBIDDEN], ['cafe', NO_MESSAGE], ['user', NO_MESSAGE]] }

/** Where rows are stored. */
export const tables = ['messages', 'changes', 'cafes', 'users', 'identities', 'revocations'] as const

/**
 * One event or route. `right`: fields that are taken, in brackets by their names in the cast; each cell takes the place of one of them. `told`: where in the answer
 * a field that was taken comes back. `instead`: the field that is left out while this one is tried. `grows`: where a row is stored, one for every call that is taken.
 */
export interface Place {
  fields: Record<string, Kind>
  right?: Record<string, unknown>
  told?: Record<string, string>
  instead?: Record<string, string>
  grows?: (typeof tables)[number]
}

/** Tokens of another issuer that are no good; see createBadAccounts. */
const badAccounts = ['account: our secret', 'account: another audience', 'account: no audience', 'account: unknown issuer', 'account: no id']

const message = { content: 'message.content', clientId: 'message.clientId' }

export const events: Record<keyof ClientEvents, Place> = {
  'auth:refresh': { fields: { payload: payload('token'), token: token('token', [['token of bob', FORBIDDEN], ['account', FORBIDDEN]], ...badAccounts) }, right: { token: '(token)' } },
  'join:cafe': { fields: { payload: payload(), cafeId: id('cafe', ofAll), since }, right: { cafeId: '(cafe)' } },
  'leave:cafe': { fields: { payload: payload(), cafeId: id('cafe', ofMembers) }, right: { cafeId: '(cafe)' } },
  'message:send': { fields: { payload: payload(), cafeId: id('cafe', ofMembers), content, clientId }, right: { cafeId: '(cafe)', content: '(new)' }, told: message, grows: 'messages' },
  'message:edit': { fields: { payload: payload(), messageId: id('message', { ...ofAuthors, foreign: [...ofAuthors.foreign, ['deleted message', NO_MESSAGE]] }), content }, right: { messageId: '(my message)', content: '(new)' }, told: message, grows: 'changes' },
  'message:delete': { fields: { payload: payload(), messageId: id('message', ofAuthors) }, right: { messageId: '(my message)' } },
  'typing:start': { fields: { payload: payload(), cafeId: id('cafe', ofMembers) }, right: { cafeId: '(cafe)' } },
  'typing:stop': { fields: { payload: payload(), cafeId: id('cafe', ofMembers) }, right: { cafeId: '(cafe)' } },
  'presence:update': { fields: { payload: payload(), status, text: statusText, textForMs }, right: { status: 'busy', text: 'at the counter', textForMs: 60_000 }, told: { status: 'status', text: 'text' } }
}

/** What a handshake says. The cafe is joined as by `join:cafe`. */
export const handshake: Place = { fields: { token: handshakeToken, cafeId: id('cafe', { ...ofAll, isOptional: true }), since }, right: { token: '(token)', cafeId: '(cafe)' } }

const open = (fields: Place['fields'] = {}): Place => ({ fields })
const closed = (fields: Place['fields'] = {}): Place['fields'] => ({ 'header.authorization': bearer(), query, ...fields })

export const routes: Record<string, Place> = {
  'GET /': open(),
  'GET /docs': open(),
  'GET /docs/reference.css': open(),
  'GET /docs/openapi.json': open(),
  'GET /docs/asyncapi.json': open(),
  'GET /docs/schemas/{file}': { fields: { 'path.file': file }, right: { 'path.file': 'Message.json' } },
  'GET /health/live': open(),
  'GET /health/ready': open(),
  'GET /metrics': open(),
  'POST /api/auth/guest': { fields: { query, body: body(true), 'body.username': name(64, true) }, right: { 'body.username': 'Ann' }, told: { username: 'user.username' }, grows: 'users' },
  'POST /api/auth/refresh': { fields: closed({ 'header.authorization': bearer(['account', FORBIDDEN]) }) },
  'POST /api/auth/link': {
    fields: closed({
      'header.authorization': bearer(['account', FORBIDDEN]),
      body: body(false, 'token'),
      'body.token': token('new account', [['token', FORBIDDEN], ['guest', FORBIDDEN], ['account', ACCOUNT_TAKEN], ['account of bob', ACCOUNT_TAKEN]], ...badAccounts)
    }),
    right: { 'header.authorization': '(guest)', 'body.token': '(new account)' },
    grows: 'identities'
  },
  'POST /api/auth/revocations': {
    fields: closed({
      'header.authorization': bearer(['token', FORBIDDEN], ['moderator', FORBIDDEN], ['account', FORBIDDEN]),
      body: [...body(false, 'userId'), ...refused('extra', { code: 'CHAT_VALIDATION', field: 'tokenId', rule: 'exclusive' }, { tokenId: 'both' })],
      'body.userId': id('user', { unknown: 'taken', foreign: [['cafe', 'taken'], ['my message', 'taken'], ['new user', 'taken']] }),
      'body.tokenId': tokenId,
      'body.reason': name(200, true)
    }),
    right: { 'header.authorization': '(admin)', 'body.userId': '(new user)' },
    told: { userId: 'userId', tokenId: 'tokenId' },
    instead: { 'body.tokenId': 'body.userId' },
    grows: 'revocations'
  },
  'POST /api/cafes': { fields: closed({ body: body(false), 'body.name': name(100, false) }), right: { 'body.name': 'Corner Table' }, told: { name: 'name' }, grows: 'cafes' },
  'GET /api/cafes': { fields: closed({ 'query.limit': integer('limit', 1, 100), 'query.cursor': textCursor }) },
  'GET /api/cafes/{id}': { fields: closed({ 'path.id': pathId('cafe', ofAll) }), right: { 'path.id': '(cafe)' } },
  'GET /api/chat/messages/{id}': {
    fields: closed({
      'path.id': pathId('cafe', ofAll),
      'query.limit': integer('limit', 1, 100),
      'query.offset': integer('offset', 0, MOST),
      'query.before': integer('before', 0, MOST),
      'query.after': integer('after', 0, MOST),
      'query.around': integer('around', 0, MOST)
    }),
    right: { 'path.id': '(cafe)' }
  },
  'POST /api/chat/messages/{id}': {
    fields: closed({ 'path.id': pathId('cafe', { ...ofAll, foreign: [['my message', NO_CAFE], ['user', NO_CAFE]] }), body: body(false), 'body.content': content, 'body.clientId': clientId }),
    // Not where the event sends to: a client's own ids hold for both transports.
    right: { 'path.id': '(other cafe)', 'body.content': '(new)' },
    told: message,
    grows: 'messages'
  },
  'PATCH /api/chat/messages/{id}': {
    fields: closed({ 'path.id': pathId('message', { ...ofAuthors, foreign: [...ofAuthors.foreign, ['deleted message', NO_MESSAGE]] }), body: body(false), 'body.content': content }),
    right: { 'path.id': '(my message)', 'body.content': '(new)' },
    told: message,
    grows: 'changes'
  },
  'DELETE /api/chat/messages/{id}': { fields: closed({ 'path.id': pathId('message', { ...ofAuthors, foreign: [...ofAuthors.foreign, ['deleted message', 'taken']] }) }), right: { 'path.id': '(doomed message)' } },
  'GET /api/chat/presence/{cafeId}': { fields: closed({ 'path.cafeId': pathId('cafe', ofAll), 'query.limit': integer('limit', 1, 1000), 'query.cursor': idCursor }), right: { 'path.cafeId': '(cafe)' } },
  'GET /api/chat/presence': { fields: closed({ 'query.userIds': idList }), right: { 'query.userIds': '(user)' } },
  'GET /api/chat/topics/{cafeId}': { fields: closed({ 'path.cafeId': pathId('cafe', ofAll), 'query.limit': integer('limit', 1, 100) }), right: { 'path.cafeId': '(cafe)' } }
}

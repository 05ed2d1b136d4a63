import { randomUUID } from 'node:crypto'
import type { DeleteReply, SendReply, Session } from '../../schemas/index.ts'
import { call, guest, openCafe } from '../support/sockets.ts'
import { createAccount, createBadAccounts, createForgeries, createTokens } from './tokens.ts'

export interface Cast { find: (name: string) => string }

/** Users, their tokens, cafes and messages of a running server, by name; `new` is another text at each call, `new user` another id, and `new account` another account. */
export async function createCast (url: string): Promise<Cast> {
  const app = { url }
  const [ann, bob, gus, mia, ada] = [await guest(app, 'Ann'), await guest(app, 'Bob'), await guest(app, 'Gus'), await guest(app, 'Mia'), await guest(app, 'Ada')]
  const [cafe, other] = [await openCafe(app, ann), await openCafe(app, ann)]
  const say = async ({ token }: Session, content: string) => (await call<SendReply>(app, 'POST', `/api/chat/messages/${cafe.id}`, { token, body: { content } })).message.id
  const [mine, theirs, doomed, deleted] = [await say(ann, 'mine'), await say(bob, 'of bob'), await say(ann, 'doomed'), await say(ann, 'deleted')]
  await call<DeleteReply>(app, 'DELETE', `/api/chat/messages/${deleted}`, { token: ann.token })
  const named = (names: Record<string, string>, before: string) => Object.fromEntries(Object.entries(names).map(([name, token]) => [`${before}: ${name}`, token]))
  const names: Record<string, string> = {
    ...createTokens('token', { sub: ann.user.id, username: 'Ann', role: 'member' }),
    ...createTokens('moderator', { sub: mia.user.id, username: 'Mia', role: 'moderator' }),
    ...createTokens('admin', { sub: ada.user.id, username: 'Ada', role: 'admin' }),
    ...createAccount('account', 'Ken'),
    ...createAccount('account of bob', 'Bob'),
    ...named(createBadAccounts(), 'account'),
    token: ann.token,
    guest: gus.token,
    'token of bob': bob.token,
    'token twice': `${ann.token}, Bearer ${ann.token}`,
    user: ann.user.id,
    bob: bob.user.id,
    cafe: cafe.id,
    'other cafe': other.id,
    'my message': mine,
    'message of bob': theirs,
    'doomed message': doomed,
    'deleted message': deleted,
    'cafe in upper case': cafe.id.toUpperCase(),
    'message in upper case': mine.toUpperCase(),
    'user in upper case': ann.user.id.toUpperCase(),
    ...named(createForgeries(ann.token), 'token')
  }
  // They have been here: whom a token stands for is written when it is first seen.
  for (const name of ['account', 'moderator', 'admin']) await call(app, 'GET', '/api/cafes', { token: names[name]! })
  await call(app, 'POST', '/api/auth/link', { token: bob.token, body: { token: names['account of bob'] } })
  return {
    find (name) {
      if (name === 'new') return `news ${randomUUID()}`
      if (name === 'new user') return randomUUID()
      const found = name.startsWith('new account') ? createAccount('new account', 'Gus')[name] : names[name]
      if (found === undefined) throw new Error(`nobody is called ${name}`)
      return found
    }
  }
}

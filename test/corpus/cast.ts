import { randomUUID } from 'node:crypto'
import type { DeleteReply, SendReply, Session } from '../../schemas/index.ts'
import { call, guest, openCafe } from '../support/sockets.ts'
import { createForgeries } from './tokens.ts'

export interface Cast { find: (name: string) => string }

/** Users, cafes and messages of a running server, by name; `new` is another text at each call. */
export async function createCast (url: string): Promise<Cast> {
  const app = { url }
  const [ann, bob] = [await guest(app, 'Ann'), await guest(app, 'Bob')]
  const [cafe, other] = [await openCafe(app, ann), await openCafe(app, ann)]
  const say = async ({ token }: Session, content: string) => (await call<SendReply>(app, 'POST', `/api/chat/messages/${cafe.id}`, { token, body: { content } })).message.id
  const [mine, theirs, doomed, deleted] = [await say(ann, 'mine'), await say(bob, 'of bob'), await say(ann, 'doomed'), await say(ann, 'deleted')]
  await call<DeleteReply>(app, 'DELETE', `/api/chat/messages/${deleted}`, { token: ann.token })
  const names: Record<string, string> = {
    token: ann.token,
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
    ...Object.fromEntries(Object.entries(createForgeries(ann.token)).map(([name, token]) => [`token: ${name}`, token]))
  }
  return {
    find (name) {
      if (name === 'new') return `news ${randomUUID()}`
      const found = names[name]
      if (found === undefined) throw new Error(`nobody is called ${name}`)
      return found
    }
  }
}

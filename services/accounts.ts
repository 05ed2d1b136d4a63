import { randomInt, randomUUID } from 'node:crypto'
import type { User } from '../schemas/users.ts'
import { gather } from './gather.ts'
import type { Users } from './ports.ts'

const MAX_KNOWN = 100_000

const MOODS = ['Happy', 'Quiet', 'Brave', 'Sunny', 'Clever', 'Gentle', 'Lucky', 'Merry', 'Nimble', 'Proud', 'Witty', 'Jolly', 'Calm', 'Eager', 'Kind', 'Bold']
const ANIMALS = ['Otter', 'Heron', 'Badger', 'Finch', 'Hedgehog', 'Lynx', 'Magpie', 'Newt', 'Owl', 'Panda', 'Raven', 'Seal', 'Toucan', 'Vole', 'Wombat', 'Yak']

const pick = (words: readonly string[]) => words[randomInt(words.length)]!

/** Who the users are. Rows are written at authentication, together for all who arrive while others are written, never on a send. */
export function createAccounts (users: Users) {
  // id -> what the row holds; the oldest goes first
  const known = new Map<string, string>()
  const write = gather(async (batch: User[]) => {
    await users.upsert(batch)
    return batch
  })

  const card = (user: User) => `${user.role} ${user.username}`

  const knows = (user: User) => known.get(user.id) === card(user)

  /** Its row is written. */
  function remember (user: User) {
    known.delete(user.id)
    known.set(user.id, card(user))
    if (known.size > MAX_KNOWN) known.delete(known.keys().next().value!)
  }

  /** Makes sure that the user has a row under this name and role. @throws CHAT_UNAVAILABLE */
  async function recognise (user: User): Promise<void> {
    if (knows(user)) return
    await write(user)
    remember(user)
  }

  /** A new guest, under the given name or a friendly one. @throws CHAT_UNAVAILABLE */
  async function welcome (username?: string): Promise<User> {
    const user: User = { id: randomUUID(), username: username ?? `${pick(MOODS)}${pick(ANIMALS)}${randomInt(10, 100)}`, role: 'member' }
    await recognise(user)
    return user
  }

  return { knows, remember, recognise, welcome, forget: (userId: string) => { known.delete(userId) } }
}

export type Accounts = ReturnType<typeof createAccounts>

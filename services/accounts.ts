import { randomInt, randomUUID } from 'node:crypto'
import type { User } from '../schemas/users.ts'
import type { Users } from './ports.ts'

const MAX_KNOWN = 100_000
const MAX_BATCH = 1000
/** After a batch, for each user in it: the more have come together, the longer the next ones gather, so that a storm takes few statements. */
const REST_MS = 4
const MAX_REST_MS = 400

const MOODS = ['Happy', 'Quiet', 'Brave', 'Sunny', 'Clever', 'Gentle', 'Lucky', 'Merry', 'Nimble', 'Proud', 'Witty', 'Jolly', 'Calm', 'Eager', 'Kind', 'Bold']
const ANIMALS = ['Otter', 'Heron', 'Badger', 'Finch', 'Hedgehog', 'Lynx', 'Magpie', 'Newt', 'Owl', 'Panda', 'Raven', 'Seal', 'Toucan', 'Vole', 'Wombat', 'Yak']

const pick = (words: readonly string[]) => words[randomInt(words.length)]!

interface Batch { users: User[], done: Promise<void> }

/** Who the users are. Rows are written at authentication, together for all who arrive while others are written, never on a send. */
export function createAccounts (users: Users) {
  // id -> what the row holds; the oldest goes first
  const known = new Map<string, string>()
  let open: Batch | undefined
  let writing: Promise<unknown> = Promise.resolve()
  let restsUntil = 0

  const card = (user: User) => `${user.role} ${user.username}`

  /** Makes sure that the user has a row under this name and role. @throws CHAT_UNAVAILABLE */
  async function recognise (user: User): Promise<void> {
    if (known.get(user.id) === card(user)) return
    await join(user)
    known.delete(user.id)
    known.set(user.id, card(user))
    if (known.size > MAX_KNOWN) known.delete(known.keys().next().value!)
  }

  function join (user: User): Promise<void> {
    if (open === undefined || open.users.length >= MAX_BATCH) open = begin()
    open.users.push(user)
    return open.done
  }

  /** A batch takes users in until the one before it is written and the rest after it is over. */
  function begin (): Batch {
    const batch: Batch = { users: [], done: Promise.resolve() }
    batch.done = writing.then(() => rest(batch)).then(() => {
      if (open === batch) open = undefined
      restsUntil = performance.now() + Math.min(MAX_REST_MS, batch.users.length * REST_MS)
      return users.upsert(batch.users)
    })
    // Who waits for it hears of a failure; the next batch has its own chance.
    writing = batch.done.catch(() => {})
    return batch
  }

  async function rest (batch: Batch) {
    const left = restsUntil - performance.now()
    if (left > 0 && batch.users.length < MAX_BATCH) await new Promise(resolve => { setTimeout(resolve, left) })
  }

  /** A new guest, under the given name or a friendly one. @throws CHAT_UNAVAILABLE */
  async function welcome (username?: string): Promise<User> {
    const user: User = { id: randomUUID(), username: username ?? `${pick(MOODS)}${pick(ANIMALS)}${randomInt(10, 100)}`, role: 'member' }
    await recognise(user)
    return user
  }

  return { recognise, welcome, forget: (userId: string) => { known.delete(userId) } }
}

export type Accounts = ReturnType<typeof createAccounts>

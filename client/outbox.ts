import { ChatError, isObject, type ChatErrorCode } from './errors.ts'

/** A message of one's own that is not in the cafe yet. Looks like a message, and stands behind all others. */
export interface Unsent {
  /** the same as `clientId`: the real id comes with the message */
  readonly id: string
  readonly clientId: string
  readonly cafeId: string
  /** empty until the client was connected once */
  readonly userId: string
  readonly username: string
  readonly content: string
  readonly createdAt: string
  readonly deleted: false
  readonly seq?: undefined
  /** `failed`: refused for good, unless you `retry`. */
  readonly state: 'pending' | 'failed'
  /** Why the last try failed. */
  readonly error?: ChatError
}

/** Where unsent messages outlive the page. An adapter, or whatever works like localStorage. */
export type Storage =
  | { load: () => string | null, save: (text: string) => void }
  | { getItem: (key: string) => string | null, setItem: (key: string, text: string) => void }

/** Unsent messages of all cafes together. */
export const MOST_UNSENT = 500
const KEY = 'klatsch:outbox'
const VERSION = 1

/** What of an unsent message is stored. */
interface Stored { cafeId: string, clientId: string, content: string, createdAt: string, userId: string, failed?: { code: ChatErrorCode, message: string, retryAfterMs?: number } }

export interface Me { id: string, username: string }

/**
 * Unsent messages in the order in which they were said. Each change is stored before it returns, so what was said once is sent after
 * whatever happens to the page. Those of another user who used the same storage are kept for that user, and neither shown nor sent.
 * @param onFault the storage failed; nothing but reloads suffers from that
 */
export function createOutbox (storage: Storage | undefined, onFault: (error: ChatError) => void) {
  const entries = new Map<string, Unsent>()
  let me: Me | undefined

  const isOwn = ({ userId }: Unsent) => me === undefined || userId === '' || userId === me.id

  function load () {
    if (storage === undefined) return
    try {
      const text = 'getItem' in storage ? storage.getItem(KEY) : storage.load()
      if (text === null || text === '') return
      const { version, unsent } = JSON.parse(text) as { version?: unknown, unsent?: unknown }
      if (version !== VERSION || !Array.isArray(unsent)) throw new TypeError('It was written by something else')
      for (const one of unsent.filter(isStored).slice(-MOST_UNSENT)) entries.set(one.clientId, restore(one))
    } catch (cause) {
      onFault(new ChatError('CLIENT_STORAGE', 'What was stored cannot be read', { cause }))
    }
  }

  function save () {
    if (storage === undefined) return
    try {
      const text = JSON.stringify({ version: VERSION, unsent: [...entries.values()].map(toStored) })
      if ('setItem' in storage) storage.setItem(KEY, text)
      else storage.save(text)
    } catch (cause) {
      onFault(new ChatError('CLIENT_STORAGE', 'The storage takes no more', { cause }))
    }
  }

  function set (entry: Unsent) {
    entries.set(entry.clientId, Object.freeze(entry))
    save()
  }

  load()
  return {
    /** @throws CLIENT_OUTBOX_FULL */
    add (entry: Pick<Unsent, 'clientId' | 'cafeId' | 'content' | 'createdAt'>) {
      if (entries.size >= MOST_UNSENT) {
        // Those of others go first: they may never come back.
        const foreign = [...entries.values()].find(one => !isOwn(one))
        if (foreign === undefined) throw new ChatError('CLIENT_OUTBOX_FULL', `${MOST_UNSENT} messages wait to be sent`)
        entries.delete(foreign.clientId)
      }
      set({ id: entry.clientId, ...entry, userId: me?.id ?? '', username: me?.username ?? '', deleted: false, state: 'pending' })
    },
    get: (clientId: string): Unsent | undefined => entries.get(clientId),
    /** Of one's own in a cafe, in order. */
    list: (cafeId: string): Unsent[] => entries.size === 0 ? [] : [...entries.values()].filter(entry => entry.cafeId === cafeId && isOwn(entry)),
    /** A new state, with its own error or none. */
    update (clientId: string, change: Pick<Unsent, 'state' | 'error'>) {
      const entry = entries.get(clientId)
      if (entry === undefined) return
      const { error: _, ...others } = entry
      set({ ...others, ...change })
    },
    /** True if it was there. */
    remove (clientId: string): boolean {
      const was = entries.delete(clientId)
      if (was) save()
      return was
    },
    /** Who is speaking is known now: what was said before is theirs. */
    adopt (user: Me) {
      me = user
      let isNews = false
      for (const entry of entries.values()) {
        if (!isOwn(entry) || entry.username !== '') continue
        entries.set(entry.clientId, Object.freeze({ ...entry, userId: user.id, username: user.username }))
        isNews ||= entry.userId === ''
      }
      if (isNews) save()
    },
    get isEmpty (): boolean { return entries.size === 0 }
  }
}

export type Outbox = ReturnType<typeof createOutbox>

function isStored (value: unknown): value is Stored {
  if (!isObject(value)) return false
  return ['cafeId', 'clientId', 'content', 'createdAt', 'userId'].every(name => typeof value[name] === 'string')
}

function restore ({ failed, cafeId, clientId, content, createdAt, userId }: Stored): Unsent {
  const entry = { id: clientId, clientId, cafeId, userId, username: '', content, createdAt, deleted: false } as const
  return Object.freeze(isObject(failed) ? { ...entry, state: 'failed', error: new ChatError(failed.code, failed.message, failed) } : { ...entry, state: 'pending' })
}

function toStored ({ cafeId, clientId, content, createdAt, userId, state, error }: Unsent): Stored {
  const failed = state === 'failed' && error !== undefined && { code: error.code, message: error.message, ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }) }
  return { cafeId, clientId, content, createdAt, userId, ...(failed && { failed }) }
}

import type { TypingIndicator } from '../schemas/events.ts'
import type { Person } from '../schemas/presence.ts'

/** More are counted, but not named. */
const MOST = 50
/** An end that got lost between nodes: how many timeouts later nobody believes the beginning any more. */
const PATIENCE = 3

/** Who else types in a cafe, by what the server says and by how long ago that was. */
export function createTypists (timeoutMs: () => number, onChange: () => void, now = Date.now) {
  const typists = new Map<string, { person: Person, until: number }>()
  let count: number | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let snapshot: readonly Person[] | undefined

  function change () {
    snapshot = undefined
    onChange()
    clearTimeout(timer)
    timer = undefined
    if (typists.size === 0) return
    const next = Math.min(...[...typists.values()].map(({ until }) => until))
    timer = setTimeout(() => {
      for (const [id, { until }] of typists) if (until <= now()) typists.delete(id)
      count = undefined
      change()
    }, Math.max(0, next - now()))
  }

  function add (person: Person) {
    if (typists.size < MOST || typists.has(person.id)) typists.set(person.id, { person, until: now() + PATIENCE * timeoutMs() })
  }

  return {
    hear ({ userId, username, isTyping, typists: sample, count: all }: TypingIndicator) {
      // In a large room there is a sample, which holds for itself.
      if (Array.isArray(sample)) {
        typists.clear()
        sample.forEach(add)
      } else if (isTyping) {
        add({ id: userId, username })
      } else {
        typists.delete(userId)
      }
      count = all
      change()
    },
    /** Who has said something has finished. */
    remove (userId: string) {
      if (typists.size > 0 && typists.delete(userId)) change()
    },
    clear () {
      count = undefined
      if (typists.size === 0) return
      typists.clear()
      change()
    },
    get list (): readonly Person[] {
      snapshot ??= Object.freeze([...typists.values()].map(({ person }) => person))
      return snapshot
    },
    /** All who type; in a large room more than are named. */
    get count (): number { return Math.max(count ?? 0, typists.size) }
  }
}

import type { TypingIndicator } from '../schemas/events.ts'
import type { Person } from '../schemas/presence.ts'
import type { Broadcast } from './ports.ts'

const EVERY_MS = 1000
const SAMPLE = 5

/** `lead`: whom the last `true` named, and the next `false` will. */
interface Crowd { typists: Map<string, Person>, lead: Person | undefined, told: string, timer: NodeJS.Timeout | undefined }

/**
 * Who types in large rooms: at most one indicator a second and room, with a sample and a count. It still names one typist at a
 * time, `true` before `false`, so that a client which knows only these two is right about whom it shows.
 */
export function createCrowds (broadcast: Broadcast) {
  const crowds = new Map<string, Crowd>()

  /** Somebody began or ceased to type. */
  function note (cafeId: string, user: Person, isTyping: boolean) {
    const crowd = crowds.get(cafeId) ?? { typists: new Map<string, Person>(), lead: undefined, told: '', timer: undefined }
    crowds.set(cafeId, crowd)
    if (isTyping) crowd.typists.set(user.id, user)
    else crowd.typists.delete(user.id)
    if (crowd.timer === undefined) turn(cafeId, crowd)
  }

  function turn (cafeId: string, crowd: Crowd) {
    crowd.timer = undefined
    const isTold = tell(cafeId, crowd)
    // Nobody is left to tell of: what comes next is told at once.
    if (!isTold && crowd.typists.size === 0) crowds.delete(cafeId)
    else crowd.timer = setTimeout(() => turn(cafeId, crowd), EVERY_MS)
  }

  /** Tells what has changed, if anything has. */
  function tell (cafeId: string, crowd: Crowd): boolean {
    const { typists } = crowd
    const sample = [...typists.values()].slice(0, SAMPLE)
    const lead = crowd.lead ?? sample[0]
    if (lead === undefined) return false
    const isTyping = typists.has(lead.id)
    const news = JSON.stringify([lead.id, isTyping, typists.size, sample])
    if (news === crowd.told) return false
    crowd.told = news
    crowd.lead = isTyping ? lead : undefined
    broadcast.local(cafeId, 'typing:indicator', indicate(cafeId, crowd, lead, isTyping), lead.id)
    return true
  }

  function indicate (cafeId: string, { typists }: Crowd, lead: Person, isTyping: boolean): TypingIndicator {
    return { cafeId, userId: lead.id, username: lead.username, isTyping, typists: [...typists.values()].slice(0, SAMPLE), count: typists.size }
  }

  return {
    note,
    /** Is this one of those that are told of together? */
    has: (cafeId: string, userId: string) => crowds.get(cafeId)?.typists.has(userId) ?? false,
    /** What was said last, for who comes now: nothing, unless somebody is named as typing. */
    current (cafeId: string): TypingIndicator[] {
      const crowd = crowds.get(cafeId)
      return crowd?.lead === undefined ? [] : [indicate(cafeId, crowd, crowd.lead, true)]
    },
    close () { for (const { timer } of crowds.values()) clearTimeout(timer) }
  }
}

import type { Config } from '../schemas/config.ts'
import type { Message } from '../schemas/messages.ts'
import type { CafeTopics } from '../schemas/topics.ts'
import type { Broadcast, Cafes, Meter, Reporter, Topics } from './ports.ts'
import { refuse } from './errors.ts'
import { extractWords } from './words.ts'

/** Topics that topics:update names, as many as a REST answer without a limit. */
const SHOWN = 10
const MAX_BACKLOG = 1000
const STOP_MS = 1000
/** The longest that a timer takes. */
const LONGEST_MS = 2 ** 31 - 1

interface Ports { topics: Topics, cafes: Cafes, broadcast: Broadcast, meter: Meter, reporter: Reporter }

/** What cafes talk about. Words are found and counted after the ack, one message at a time between other work. */
export function createTopics (ports: Ports, config: Config, now: () => number) {
  const { topics, cafes, broadcast, meter, reporter } = ports
  const { minWordLength, maxTopics } = config.topics
  const backlog: Array<() => Promise<void>> = []
  // cafes that are asked about again later, and those being asked about now; `true`: ask once more
  const timers = new Map<string, NodeJS.Timeout>()
  const claiming = new Map<string, boolean>()
  let working: Promise<void> | undefined
  let stopped = false

  /** Counts the words of a new message. */
  function note (message: Message) {
    enqueue(message.cafeId, async () => {
      const words = extractWords(message.content, minWordLength)
      if (words.length > 0) await topics.add(message.cafeId, { messageId: message.id, userId: message.userId, words, at: Date.parse(message.createdAt) })
    })
  }

  /** Takes back what a deleted message had added. */
  function takeBack (message: Message, content: string) {
    enqueue(message.cafeId, async () => {
      const words = extractWords(content, minWordLength)
      if (words.length > 0) await topics.remove(message.cafeId, { messageId: message.id, userId: message.userId, words })
    })
  }

  function enqueue (cafeId: string, task: () => Promise<void>) {
    if (backlog.length >= MAX_BACKLOG) return meter.count('hot_state_failures', 'topics')
    backlog.push(async () => {
      await task()
      announce(cafeId)
    })
    working ??= work().finally(() => { working = undefined })
  }

  async function work () {
    while (backlog.length > 0) {
      await new Promise(resolve => { setImmediate(resolve) })
      await attempt(backlog.shift()!)
    }
  }

  /** Tells the members if the visible list changed; asks again when it may change by itself. One claim or timer per cafe. */
  function announce (cafeId: string) {
    if (stopped) return
    // The claim under way may have been too early to see what came now.
    if (claiming.has(cafeId)) return claiming.set(cafeId, true)
    clearTimeout(timers.get(cafeId))
    timers.delete(cafeId)
    claiming.set(cafeId, false)
    attempt(async () => {
      const { topics: list, againIn } = await topics.claim(cafeId, Math.min(SHOWN, maxTopics), now())
      if (list !== undefined) broadcast.everywhere(cafeId, 'topics:update', { cafeId, topics: list })
      if (againIn !== undefined && !stopped) timers.set(cafeId, setTimeout(() => announce(cafeId), Math.min(Math.max(againIn, 10), LONGEST_MS)))
    }).then(() => {
      const again = claiming.get(cafeId)
      claiming.delete(cafeId)
      if (again) announce(cafeId)
    })
  }

  async function attempt (task: () => Promise<void>) {
    try {
      await task()
    } catch (error) {
      meter.count('hot_state_failures', 'topics')
      reporter.warn(error, 'topics')
    }
  }

  /** @throws CHAT_CAFE_NOT_FOUND, CHAT_UNAVAILABLE */
  async function top (cafeId: string, limit: number): Promise<CafeTopics> {
    if (await cafes.get(cafeId) === undefined) throw refuse('CHAT_CAFE_NOT_FOUND')
    const list = await topics.top(cafeId, Math.min(limit, maxTopics), now()).catch(error => {
      reporter.warn(error, 'topics')
      throw refuse('CHAT_UNAVAILABLE', { retryAfterMs: 1000, cause: error })
    })
    return { cafeId, topics: list }
  }

  /** What is still to be counted gets a second; a busy node may be far behind. */
  async function stop () {
    stopped = true
    const late = setTimeout(() => { backlog.length = 0 }, STOP_MS)
    await working
    clearTimeout(late)
    for (const timer of timers.values()) clearTimeout(timer)
    timers.clear()
  }

  return { note, takeBack, top, stop }
}

export type TopicsService = ReturnType<typeof createTopics>

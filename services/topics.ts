import type { Config } from '../schemas/config.ts'
import type { Message } from '../schemas/messages.ts'
import type { CafeTopics } from '../schemas/topics.ts'
import type { Broadcast, Cafes, Meter, Reporter, Topics, Word } from './ports.ts'
import { refuse } from './errors.ts'
import { extractWords } from './words.ts'

/** Topics that topics:update names, as many as a REST answer without a limit. */
const SHOWN = 10
const MAX_BACKLOG = 1000
const STOP_MS = 1000
/** How long words are looked for in one turn, and in how many messages: their calls share a round trip. */
const SLICE_MS = 1
const MAX_AT_ONCE = 50
/** The longest that a timer takes. */
const LONGEST_MS = 2 ** 31 - 1

/** Of a score in an answer: fewer than the drivers keep, so that all say the same. */
const DECIMALS = 4

interface Ports { topics: Topics, cafes: Cafes, broadcast: Broadcast, meter: Meter, reporter: Reporter }

/** What cafes talk about. Words are found and counted after the ack, a millisecond at a time between other work. */
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
    enqueue(message.cafeId, () => add(message, extractWords(message.content, minWordLength)))
  }

  /** Takes back what a deleted message had added. */
  function takeBack (message: Message, content: string) {
    enqueue(message.cafeId, () => remove(message, extractWords(content, minWordLength)))
  }

  /** Counts an edited message by what it says now. What it said `before` as well is left alone, so that no list changes twice. */
  function revise (message: Message, before: string) {
    enqueue(message.cafeId, async () => {
      const [old, now] = [extractWords(before, minWordLength), extractWords(message.content, minWordLength)]
      await Promise.all([remove(message, without(old, now)), add(message, without(now, old))])
    })
  }

  async function add ({ cafeId, id: messageId, userId, createdAt }: Message, words: Word[]) {
    if (words.length > 0) await topics.add(cafeId, { messageId, userId, words, at: Date.parse(createdAt) })
  }

  async function remove ({ cafeId, id: messageId, userId }: Message, words: Word[]) {
    if (words.length > 0) await topics.remove(cafeId, { messageId, userId, words })
  }

  /** What is counted of a cafe is counted in the order of the calls: each `task` asks the driver before it waits. */
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
      await Promise.all(begin(performance.now() + SLICE_MS))
    }
  }

  function begin (until: number): Array<Promise<void>> {
    const begun = []
    while (backlog.length > 0 && begun.length < MAX_AT_ONCE && performance.now() < until) begun.push(attempt(backlog.shift()!))
    return begun
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
    const details = list.map(({ topic, score, messages }) => ({ topic, score: Number(score.toFixed(DECIMALS)), messages }))
    return { cafeId, topics: list.map(({ topic }) => topic), details }
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

  return { note, takeBack, revise, top, stop }
}

/** Those words whose stem none of the others has. */
function without (words: Word[], others: Word[]): Word[] {
  const stems = new Set(others.map(({ stem }) => stem))
  return words.filter(({ stem }) => !stems.has(stem))
}

export type TopicsService = ReturnType<typeof createTopics>

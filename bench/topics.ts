/**
 * What it costs to find the words of a message: `node --import=tsx bench/topics.ts`. Microseconds for one message, as the median of
 * rounds over all lines of a conversation, with the fastest and the slowest round. It ends within 20 seconds.
 */
import { extractWords } from '../services/words.ts'
import { readCorpus } from '../test/corpus/corpus.ts'

const MIN_WORD_LENGTH = 4
const ROUNDS = 21
const ROUND_MS = 20
const WARM_UP_MS = 100
const LENGTH = 500

const hostile: Array<[name: string, message: string]> = [
  ['500 emoji', '😀'.repeat(LENGTH)],
  ['one word of 500 characters', 'x'.repeat(LENGTH)],
  ['500 Chinese signs', String.fromCodePoint(...Array.from({ length: LENGTH }, (_, index) => 0x4e00 + 37 * index))],
  ['500 distinct short words', Array.from({ length: LENGTH }, (_, index) => `w${index.toString(36)}x`).join(' ')],
  ['4000 characters, two by two', 'w '.repeat(2000)],
  ['500 hashtags', Array.from({ length: LENGTH }, (_, index) => `#w${index.toString(36)}x`).join(' ')],
  ['500 combining marks', 'a' + '\u0301'.repeat(LENGTH - 1)]
]

/** Runs over the messages for at least so long. Returns microseconds for one message. */
function run (messages: readonly string[], ms: number): number {
  const begin = process.hrtime.bigint()
  let count = 0
  let took = 0
  while (took < ms * 1000) {
    for (const message of messages) extractWords(message, MIN_WORD_LENGTH)
    count += messages.length
    took = Number(process.hrtime.bigint() - begin) / 1000
  }
  return took / count
}

function measure (messages: readonly string[]) {
  run(messages, WARM_UP_MS)
  const rounds = Array.from({ length: ROUNDS }, () => run(messages, ROUND_MS)).sort((a, b) => a - b)
  return { median: rounds[Math.floor(ROUNDS / 2)]!, least: rounds[0]!, most: rounds.at(-1)! }
}

function row (name: string, messages: readonly string[]): string {
  const { median, least, most } = measure(messages)
  const signs = messages.reduce((sum, message) => sum + [...message].length, 0) / messages.length
  const cells = [median, least, most].map(value => value.toFixed(1).padStart(10))
  return `${name.padEnd(28)}${signs.toFixed(0).padStart(8)}${cells.join('')}`
}

console.log(`${'messages'.padEnd(28)}${'signs'.padStart(8)}${['median', 'least', 'most'].map(head => head.padStart(10)).join('')}  (microseconds a message)`)
for (const { name, lines } of readCorpus()) console.log(row(name, lines.map(({ content }) => content)))
for (const [name, message] of hostile) console.log(row(name, [message]))

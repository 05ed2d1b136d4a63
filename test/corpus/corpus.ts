import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../support/paths.ts'

/** `at`: milliseconds after the first message. */
export interface Line { author: string, content: string, at: number }

/** `topics`: what a reader names, most talked about first. */
export interface Conversation { name: string, topics: string[], lines: Line[] }

const FOLDER = join(projectRoot, 'test/corpus')
const PACE_MS = 20_000

/** All conversations of the folder. The form of a file is in its README. */
export function readCorpus (): Conversation[] {
  return readdirSync(FOLDER).filter(file => file.endsWith('.txt')).map(file => parse(file.replace('.txt', ''), readFileSync(join(FOLDER, file), 'utf8')))
}

/** @throws Error on a line of no known form */
function parse (name: string, text: string): Conversation {
  const conversation: Conversation = { name, topics: [], lines: [] }
  let at = 0
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# ')) continue
    const [, pause] = /^-- (\d+) min$/u.exec(line) ?? []
    const [, author, content] = /^([\p{L}\p{M}]+): (.+)$/u.exec(line) ?? []
    if (pause !== undefined) at += Number(pause) * 60_000
    else if (author === undefined || content === undefined) throw new Error(`${name}: ${line}`)
    else if (author === 'topics') conversation.topics = content.split(', ')
    else {
      conversation.lines.push({ author, content, at })
      at += PACE_MS
    }
  }
  return conversation
}

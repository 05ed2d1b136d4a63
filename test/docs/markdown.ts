import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../support/paths.ts'

export interface Block { language: string, label: string, code: string }
export interface Section { title: string, text: string }

/** The documents that people read, as paths from the project's folder. */
export const documents = [
  'README.md', 'CONTRIBUTING.md', 'CHANGELOG.md',
  ...['architecture', 'benchmarks', 'client', 'decisions', 'errors', 'examples', 'guarantees', 'operations', 'protocol'].map(name => `docs/${name}.md`)
]

export const read = (path: string): string => readFileSync(join(projectRoot, path), 'utf8')

/** The fenced blocks, in order. `label`: what follows the language in the first line. */
export function blocks (text: string): Block[] {
  return [...text.matchAll(/^```(\S*)(?: (.+))?\n([\s\S]*?)^```$/gm)].map(([, language, label, code]) => ({ language: language!, label: label ?? '', code: code! }))
}

/** The text without fenced blocks: what is prose, tables and headings. */
export const prose = (text: string): string => text.replace(/^```[\s\S]*?^```$/gm, '')

/** The sections of one level, each up to the next heading of its level or above. Backticks are taken off the titles. */
export function sections (text: string, level: number): Section[] {
  const found: Section[] = []
  let isCode = false
  let current: Section | undefined
  for (const line of text.split('\n')) {
    if (line.startsWith('```')) isCode = !isCode
    const heading = isCode ? null : /^(#+) (.+)$/.exec(line)
    if (heading !== null && heading[1]!.length <= level) {
      current = heading[1]!.length === level ? { title: heading[2]!.replaceAll('`', ''), text: '' } : undefined
      if (current !== undefined) found.push(current)
    } else if (current !== undefined) {
      current.text += line + '\n'
    }
  }
  return found
}

/** One section; fails if it is missing. */
export function section (text: string, title: string, level = 2): string {
  const found = sections(text, level).find(one => one.title === title)
  if (found === undefined) throw new Error(`no section "${title}"`)
  return found.text
}

/** The rows of the first table, as cells by column. Fails if there is none. */
export function table (text: string): Array<Record<string, string>> {
  const lines = /(?:^\|.*\|\n)+/m.exec(text)?.[0].trim().split('\n')
  if (lines === undefined) throw new Error('no table')
  const [head, , ...rows] = lines.map(cells)
  return rows.map(row => Object.fromEntries(head!.map((column, index) => [column, row[index] ?? ''])))
}

const cells = (line: string): string[] => line.slice(1, -1).split(/(?<!\\)\|/).map(cell => cell.trim())

/** What stands between the backticks of a cell that is nothing else; the cell itself if it has none. */
export const plain = (cell: string): string => /^`(.*)`$/.exec(cell)?.[1] ?? cell

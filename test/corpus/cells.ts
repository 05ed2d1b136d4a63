import type { ErrorCode } from '../../schemas/errors.ts'

/** The classes of bad input, and of input that only looks bad. Every field has cells of each, or says why it cannot. */
export const classes = {
  missing: 'the field is not there',
  null: 'null',
  boolean: 'true and false',
  number: 'a number',
  text: 'text that says nothing of the kind',
  array: 'an array',
  object: 'an object',
  bytes: 'a buffer, which only a socket carries',
  nested: 'hundreds of arrays in each other',
  empty: 'empty text',
  blank: 'white space only',
  invisible: 'characters that show nothing only',
  longest: 'as long as it may be, in code points',
  tooLong: 'one code point more, in one and in two UTF-16 units',
  nul: 'U+0000',
  control: 'other control characters',
  escape: 'sequences that a terminal acts on',
  surrogate: 'half of a surrogate pair',
  turn: 'characters that turn the direction of text',
  marks: 'piles of marks on one letter',
  markup: 'HTML and scripts',
  sql: 'pieces of SQL',
  key: 'pieces of Redis keys, rooms and channels',
  log: 'a line that looks like one of the log',
  prototype: 'names of Object.prototype',
  negative: 'a negative number',
  fraction: 'a fraction',
  huge: 'numbers beyond what can be counted',
  nan: 'NaN and Infinity as text',
  exponent: 'numbers in other ways of writing',
  malformed: 'an id that is almost one',
  upper: 'an id in upper-case letters',
  unknown: 'an id of nothing',
  foreign: 'an id of something else, or of what belongs to somebody else',
  word: 'a word that is none of those allowed',
  cursor: 'a cursor that was never given out',
  extra: 'a field that is not known',
  crowd: 'more fields than anything has',
  large: 'more bytes than are taken',
  arguments: 'more arguments than an event has',
  ack: 'an ack that is no function',
  syntax: 'no JSON, or not all of it',
  media: 'a body that says that it is something else',
  twice: 'the same name two times',
  forged: 'a token that somebody else made',
  stale: 'a token that has ended'
} as const

export type Class = keyof typeof classes

/** What must come of it: the refusal with its status (that of the code unless said) and the field and rule that it names; or it is taken, and told as it was given. */
export type Want = { code: ErrorCode, status?: number, field?: string, rule?: string } | 'taken'

/** One value of one class for one kind of field. */
export interface Cell { class: Class, value: unknown, want: Want }

/** A class that a kind of field cannot have. */
export interface Gap { class: Class, why: string }

export type Kind = ReadonlyArray<Cell | Gap>

/** The value of a field that is not there. */
export const MISSING = Symbol('missing')

/** A value that only the run knows: the id of something that it made. */
export class FromCast {
  readonly name: string
  constructor (name: string) { this.name = name }
}

/** A query as it stands behind the question mark, or a body as it is sent, whatever field it is for. */
export class Raw {
  readonly text: string
  constructor (text: string) { this.text = text }
}

/** What the header of a request says, beside a right body. */
export class Headers {
  readonly lines: Record<string, string>
  constructor (lines: Record<string, string>) { this.lines = lines }
}

/** An array in an array in an array. */
export const nest = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth))

export const isCell = (one: Cell | Gap): one is Cell => 'want' in one

export const refused = (of: Class, want: Exclude<Want, 'taken'>, ...values: unknown[]): Cell[] => values.map(value => ({ class: of, value, want }))

/** Refused by the schema, by this rule. */
export const bad = (of: Class, rule: string, ...values: unknown[]): Cell[] => refused(of, { code: 'CHAT_VALIDATION', rule }, ...values)

export const taken = (of: Class, ...values: unknown[]): Cell[] => values.map(value => ({ class: of, value, want: 'taken' }))

export const none = (why: string, ...of: Class[]): Gap[] => of.map(one => ({ class: one, why }))

/** A value as it is shown, and as two of them are compared. */
export function show (value: unknown): string {
  if (typeof value === 'symbol') return String(value)
  if (value instanceof FromCast) return `(${value.name})`
  if (value instanceof Raw) return `raw ${value.text}`
  if (value instanceof Headers) return `headers ${JSON.stringify(value.lines)}`
  if (Buffer.isBuffer(value)) return `bytes ${value.toString('hex')}`
  return JSON.stringify(value)
}

/** What is wrong with a kind: a class without a cell, one that both has cells and cannot have any, a value that stands there twice. */
export function faultsOf (kind: Kind): string[] {
  const faults: string[] = []
  const seen = new Set<string>()
  for (const cell of kind.filter(isCell)) {
    const shown = show(cell.value)
    if (seen.has(shown)) faults.push(`${cell.class}: a twin of ${shown.slice(0, 60)}`)
    seen.add(shown)
  }
  for (const name of Object.keys(classes)) {
    const own = kind.filter(one => one.class === name)
    const gaps = own.filter(one => !isCell(one))
    if (own.length === 0) faults.push(`${name}: no cell`)
    if (gaps.length > 1 || (gaps.length === 1 && own.length > 1)) faults.push(`${name}: a gap beside cells`)
  }
  return faults
}

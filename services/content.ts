import { refuse } from './errors.ts'

// \p{Cc} without newline and tab: NUL is an error in SQL, the rest has no place in plain text.
const CONTROL = /[^\P{Cc}\n\t]/u
// More marks on one letter than any language needs: they cover the lines above and below.
const PILE = /\p{M}{9}/u
// White space, format characters, what fonts are told to leave out, and the letter of Braille without dots.
const VISIBLE = /[^\s\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]/u

/**
 * Refuses what no message may be.
 * @param maxLength in code points, as PostgreSQL's char_length and JSON Schema's maxLength count
 * @throws CHAT_CONTENT_INVALID that names the rule
 */
export function checkContent (content: string, maxLength: number): void {
  // The cheap bound first: a code point is at most two UTF-16 units.
  if (content.length > 2 * maxLength || countCodePoints(content) > maxLength) throw invalid('maxLength', `The content may have at most ${maxLength} code points`)
  if (!content.isWellFormed()) throw invalid('wellFormed', 'The content has half of a surrogate pair')
  if (CONTROL.test(content)) throw invalid('characters', 'The content has control characters other than newline and tab')
  if (PILE.test(content)) throw invalid('marks', 'The content has more than 8 marks on one letter')
  if (!VISIBLE.test(content)) throw invalid('blank', 'The content is blank')
}

/** The same words in other case and spacing count as the same content. */
export const normalise = (content: string): string => content.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim()

/** The second half of a surrogate pair adds nothing. */
function countCodePoints (text: string): number {
  let count = text.length
  for (let index = 1; index < text.length; index++) if (isLow(text.charCodeAt(index)) && isHigh(text.charCodeAt(index - 1))) count--
  return count
}

const isHigh = (unit: number) => unit >= 0xd800 && unit <= 0xdbff
const isLow = (unit: number) => unit >= 0xdc00 && unit <= 0xdfff

const invalid = (rule: string, message: string) => refuse('CHAT_CONTENT_INVALID', { message, details: [{ field: 'content', rule }] })

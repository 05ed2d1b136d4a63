import { Type, type IntegerOptions, type ObjectOptions, type Static, type TProperties, type TSchema } from '@sinclair/typebox'
import { cafeId, messageId, userId } from './examples.ts'

/** An object that takes exactly the named fields: an unknown one is an error, never dropped in silence. */
export function Strict<T extends TProperties> (properties: T, options: ObjectOptions = {}) {
  return Type.Object(properties, { additionalProperties: false, ...options })
}

/** A reference to an entity with an `$id`, so that documents name it once and clients get one type for it. */
export function Ref<T extends TSchema> (entity: T) {
  if (entity.$id === undefined) throw new TypeError('only a schema with an $id can be referred to')
  return Type.Unsafe<Static<T>>({ $ref: `${entity.$id}#` })
}

/** One of a few words, as a JSON Schema enum. */
export function OneOf<const T extends string> (words: readonly T[], options: ObjectOptions = {}) {
  return Type.Unsafe<T>({ type: 'string', enum: words, ...options })
}

/** What turns the direction of the text around it. */
const TURNS = '\\u202a-\\u202e\\u2066-\\u2069'
/** What shows nothing by itself: marks, fillers and the like. None of it is of category Cf or a blank: in patterns the three stand side by side, and no character may be read in two ways. */
const HIDDEN = '\\p{M}\\u115f\\u1160\\u2065\\u2800\\u3164\\uffa0\\ufff0-\\ufff8'
/** White space that is no control character, but for U+FEFF, which is of category Cf. */
const BLANKS = ' \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'
const VISIBLE = `[^\\s\\p{Cc}\\p{Cs}\\p{Cf}${HIDDEN}]`

/**
 * Names: at least one visible character, no blanks at the ends, no control characters or halves of surrogate pairs, nothing that turns the direction of the
 * text around it. Joiners stay: emoji, Persian and Indic names need them.
 *
 * What comes before the first visible character is invisible, so there is one way to read a name, and a long one takes no longer than its length.
 */
export const NAME_PATTERN = `^(([^\\P{Cf}${TURNS}\\ufeff]|[${HIDDEN}])([^\\P{Cf}${TURNS}]|[${HIDDEN}${BLANKS}])*)?${VISIBLE}([^\\p{Cc}\\p{Cs}${TURNS}]*[^\\s\\p{Cc}\\p{Cs}${TURNS}])?$`

/** A line of plain text: empty, or with something to see in it. */
export const LINE_PATTERN = `^([\\p{Cf}${HIDDEN}${BLANKS}]*${VISIBLE}[^\\p{Cc}\\p{Cs}]*)?$`

export const Uuid = Type.String({ format: 'uuid', description: 'UUID in lower-case letters' })

export const Counter = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

const Id = (description: string, example: string) => Type.String({ format: 'uuid', description: `${description}; a UUID in lower-case letters`, examples: [example] })

export const CafeId = Id('Names a cafe', cafeId)
export const UserId = Id('Names a user', userId)
export const MessageId = Id('Names a message', messageId)

export const Timestamp = Type.String({ format: 'date-time', description: 'ISO 8601, UTC, milliseconds', examples: ['2025-11-19T10:00:00.000Z'] })

/** A number of things, or a place among them. */
export function Count (description: string, options: IntegerOptions = {}) {
  return Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description, ...options })
}

/** Where a cafe stands. */
export const Rev = Count("The cafe's change counter: every send, edit and deletion takes the next one", { examples: [9] })
export const Seq = Count("Number of the cafe's newest message: 1, 2, 3 ... without holes; 0 before the first", { examples: [7] })

export const CafeParams = Strict({ cafeId: CafeId })
export type CafeParams = Static<typeof CafeParams>

/** Of routes where `{id}` is a cafe with one method and a message with another. */
export const CafeIdParams = Strict({ id: CafeId })
export const MessageIdParams = Strict({ id: MessageId })

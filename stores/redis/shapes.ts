import { Type, type Static, type TObject, type TProperties, type TSchema } from '@sinclair/typebox'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { Counter, OneOf, Uuid } from '../../schemas/common.ts'
import { Message } from '../../schemas/messages.ts'
import { Person } from '../../schemas/presence.ts'
import type { Alert, Notice } from '../../services/ports.ts'

/*
 * What comes from Redis was written by somebody: another node, perhaps a newer one, or a stranger. Fields that this node
 * does not know are let through, so that nodes of two versions get along; those it knows must be right.
 */
const ajv = new Ajv({ strict: true })
addFormats.default(ajv, { mode: 'fast', formats: ['uuid', 'date-time'] })

const open = <T extends TProperties>(entity: TObject<T>) => Type.Object(entity.properties)

function checkOf<T extends TSchema> (schema: T): (value: unknown) => value is Static<T> {
  const validate = ajv.compile<Static<T>>(schema)
  return (value): value is Static<T> => validate(value)
}

const Changes = Type.Object({
  kind: Type.Literal('changes'),
  changes: Type.Array(Type.Object({ rev: Counter, kind: OneOf(['created', 'updated', 'deleted'] as const), message: open(Message) }))
})

const AttendanceNotice = Type.Object({
  kind: Type.Literal('attendance'),
  attendance: Type.Object({ cafeId: Uuid, user: open(Person), action: OneOf(['join', 'leave'] as const), userCount: Counter, version: Counter })
})

const Count = Type.Object({ kind: Type.Literal('count'), userCount: Counter, version: Counter })

const Typing = Type.Object({ kind: Type.Literal('typing'), user: open(Person), isTyping: Type.Boolean() })

const isFrame = checkOf(Type.Object({ node: Type.String({ minLength: 1 }), notice: Type.Object({ kind: Type.String() }) }))
const Revoked = Type.Object({
  kind: Type.Literal('revoked'),
  revocation: Type.Object({ position: Counter, userId: Type.Optional(Uuid), tokenId: Type.Optional(Type.String()), at: Counter, until: Counter })
})
const isAlert = checkOf(Type.Object({ node: Type.String({ minLength: 1 }), alert: Revoked }))

const isChanges = checkOf(Changes)
const isAttendance = checkOf(AttendanceNotice)
const isCount = checkOf(Count)
const isTyping = checkOf(Typing)

/** Is it a whole message of this cafe? */
const isWhole = checkOf(open(Message))
export const isMessageOf = (cafeId: string, value: unknown): value is Message => isWhole(value) && value.cafeId === cafeId

/** Is it a notice about this cafe? */
function isNoticeOf (cafeId: string, value: unknown): value is Notice {
  if (isChanges(value)) return value.changes.every(({ message }) => message.cafeId === cafeId)
  if (isAttendance(value)) return value.attendance.cafeId === cafeId
  return isCount(value) || isTyping(value)
}

/** What a node published about a cafe, or undefined if it is nothing of the kind. Never throws. */
export function parseFrame (cafeId: string, text: string): { node: string, notice: Notice } | undefined {
  const value = parseJson(text)
  if (!isFrame(value) || !isNoticeOf(cafeId, value.notice)) return undefined
  return { node: value.node, notice: value.notice }
}

/** What a node said to all, or undefined if it is nothing of the kind. Never throws. */
export function parseAlert (text: string): { node: string, alert: Alert } | undefined {
  const value = parseJson(text)
  if (!isAlert(value)) return undefined
  const { userId, tokenId } = value.alert.revocation
  return (userId === undefined) === (tokenId === undefined) ? undefined : value
}

/** The value of a JSON text, or undefined if it is none. Never throws. */
export function parseJson (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

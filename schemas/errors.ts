import { Type, type Static } from '@sinclair/typebox'
import { OneOf, Strict } from './common.ts'

/** Every code that klatsch answers with. `docs/errors.md` explains each; a test keeps the two equal. */
export const errorCodes = [
  'CHAT_VALIDATION',
  'CHAT_CONTENT_INVALID',
  'CHAT_UNAUTHENTICATED',
  'CHAT_FORBIDDEN',
  'CHAT_NOT_MEMBER',
  'CHAT_CAFE_NOT_FOUND',
  'CHAT_MESSAGE_NOT_FOUND',
  'CHAT_ROUTE_NOT_FOUND',
  'CHAT_CLIENT_ID_CONFLICT',
  'CHAT_PAYLOAD_TOO_LARGE',
  'CHAT_RATE_LIMITED',
  'CHAT_REPEATED',
  'CHAT_LIMIT_REACHED',
  'CHAT_UNKNOWN_EVENT',
  'CHAT_UNAVAILABLE',
  'CHAT_OUTCOME_UNKNOWN',
  'CHAT_INTERNAL'
] as const

export type ErrorCode = typeof errorCodes[number]

export const ErrorDetail = Strict({
  field: Type.String({ description: 'Path of the field, dots between names; empty for the whole payload', examples: ['content'] }),
  rule: Type.String({ description: 'The rule it broke, as JSON Schema names it', examples: ['required'] })
}, { $id: 'ErrorDetail', title: 'ErrorDetail', description: 'One field and the rule that it broke' })
export type ErrorDetail = Static<typeof ErrorDetail>

export const ErrorBody = Strict({
  code: OneOf(errorCodes, { description: 'What happened, for programs' }),
  message: Type.String({ description: 'What happened, for people' }),
  retryAfterMs: Type.Optional(Type.Integer({ minimum: 0, description: 'Worth another try after so many milliseconds' })),
  details: Type.Optional(Type.Array(Type.Unsafe<ErrorDetail>({ $ref: 'ErrorDetail#' })))
}, { $id: 'ErrorBody', title: 'ErrorBody', description: 'The one shape of every failure: REST body, failed ack, error event' })
export type ErrorBody = Static<typeof ErrorBody>

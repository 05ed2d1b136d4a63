import { Type, type Static } from '@sinclair/typebox'
import { OneOf, Ref, Strict } from './common.ts'
import { invalid, limited } from './examples.ts'

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
  'CHAT_ACCOUNT_TAKEN',
  'CHAT_PAYLOAD_TOO_LARGE',
  'CHAT_RATE_LIMITED',
  'CHAT_REPEATED',
  'CHAT_LIMIT_REACHED',
  'CHAT_UNKNOWN_EVENT',
  'CHAT_UNAVAILABLE',
  'CHAT_OUTCOME_UNKNOWN',
  'CHAT_INTERNAL'
] as const

export const ErrorCode = OneOf(errorCodes, { $id: 'ErrorCode', title: 'ErrorCode', description: 'What happened, for programs; a code never changes its meaning', examples: ['CHAT_RATE_LIMITED'] })
export type ErrorCode = Static<typeof ErrorCode>

export const ErrorDetail = Strict({
  field: Type.String({ description: 'Path of the field, dots between names; empty for the whole payload', examples: ['content'] }),
  rule: Type.String({ description: 'The rule it broke, as JSON Schema names it', examples: ['required'] })
}, { $id: 'ErrorDetail', title: 'ErrorDetail', description: 'One field and the rule that it broke', examples: [{ field: 'content', rule: 'required' }] })
export type ErrorDetail = Static<typeof ErrorDetail>

export const ErrorBody = Strict({
  code: Ref(ErrorCode),
  message: Type.String({ description: 'What happened, for people; may change', examples: ['The request breaks the schema'] }),
  retryAfterMs: Type.Optional(Type.Integer({ minimum: 0, description: 'Worth another try after so many milliseconds', examples: [420] })),
  details: Type.Optional(Type.Array(Ref(ErrorDetail), { description: 'What is wrong with which field, at most ten' }))
}, { $id: 'ErrorBody', title: 'ErrorBody', description: 'The one shape of every failure: REST body, failed ack, error event', examples: [invalid, limited] })
export type ErrorBody = Static<typeof ErrorBody>

export const Refusal = Strict({
  ok: Type.Literal(false, { description: 'The event failed' }),
  error: Ref(ErrorBody)
}, { $id: 'Refusal', title: 'Refusal', description: 'The ack of an event that failed', examples: [{ ok: false, error: invalid }] })
export type Refusal = Static<typeof Refusal>

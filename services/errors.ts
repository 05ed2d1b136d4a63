import createError, { type FastifyError } from '@fastify/error'
import type { ErrorBody, ErrorCode, ErrorDetail } from '../schemas/errors.ts'

export interface ChatError extends FastifyError { code: ErrorCode, statusCode: number, retryAfterMs?: number, details?: ErrorDetail[] }

/** Every failure that klatsch answers with: status, words, and in the comment whose fault it is and whether to try again. */
const registry: Record<ErrorCode, ReturnType<typeof createError>> = {
  // The client's: the payload breaks its schema. Again only when mended.
  CHAT_VALIDATION: createError('CHAT_VALIDATION', 'The request breaks the schema', 400),
  // The client's: blank, too long, or characters that no message may have. Again only when mended.
  CHAT_CONTENT_INVALID: createError('CHAT_CONTENT_INVALID', 'The content is not allowed', 400),
  // The client's: no token, a bad one or an expired one. Again with a good one.
  CHAT_UNAUTHENTICATED: createError('CHAT_UNAUTHENTICATED', 'A valid token is needed', 401),
  // The client's: known, but not allowed to do this. Never again.
  CHAT_FORBIDDEN: createError('CHAT_FORBIDDEN', 'Not allowed', 403),
  // The client's: this socket has not joined the cafe. Again after join:cafe.
  CHAT_NOT_MEMBER: createError('CHAT_NOT_MEMBER', 'Join the cafe first', 403),
  // The client's: there is no such cafe.
  CHAT_CAFE_NOT_FOUND: createError('CHAT_CAFE_NOT_FOUND', 'There is no such cafe', 404),
  // The client's: there is no such message.
  CHAT_MESSAGE_NOT_FOUND: createError('CHAT_MESSAGE_NOT_FOUND', 'There is no such message', 404),
  // The client's: there is no such route.
  CHAT_ROUTE_NOT_FOUND: createError('CHAT_ROUTE_NOT_FOUND', 'There is no such route', 404),
  // The client's: the clientId belongs to another content. Again under a new one.
  CHAT_CLIENT_ID_CONFLICT: createError('CHAT_CLIENT_ID_CONFLICT', 'This clientId was used for another content', 409),
  // The client's: the account is another user here. Never again with the same two.
  CHAT_ACCOUNT_TAKEN: createError('CHAT_ACCOUNT_TAKEN', 'The account is somebody else here', 409),
  // The client's: more bytes than are taken. Again only when smaller.
  CHAT_PAYLOAD_TOO_LARGE: createError('CHAT_PAYLOAD_TOO_LARGE', 'The payload is too large', 413),
  // The client's: too fast. Again after retryAfterMs.
  CHAT_RATE_LIMITED: createError('CHAT_RATE_LIMITED', 'Too much at once', 429),
  // The client's: the same content again so soon. Again after retryAfterMs.
  CHAT_REPEATED: createError('CHAT_REPEATED', 'The same content was just sent', 429),
  // The client's: a ceiling is reached. Again after giving something up.
  CHAT_LIMIT_REACHED: createError('CHAT_LIMIT_REACHED', 'A limit is reached', 429),
  // The client's: no such event.
  CHAT_UNKNOWN_EVENT: createError('CHAT_UNKNOWN_EVENT', 'There is no such event', 404),
  // Ours or the operator's: nothing was done. Again after retryAfterMs.
  CHAT_UNAVAILABLE: createError('CHAT_UNAVAILABLE', 'Not available now, nothing was done', 503),
  // Ours or the operator's: it may have been done. Again under the same clientId.
  CHAT_OUTCOME_UNKNOWN: createError('CHAT_OUTCOME_UNKNOWN', 'It may have been done: try again with the same clientId', 503),
  // Ours: a fault of the program, logged with its cause.
  CHAT_INTERNAL: createError('CHAT_INTERNAL', 'Something went wrong here', 500)
}

/** HTTP status of a code. */
export const statusOf = (code: ErrorCode): number => refuse(code).statusCode

/**
 * The error of a code, to be thrown.
 * @param more other words for people, `retryAfterMs`, `details` by field, the `cause` for the log
 */
export function refuse (code: ErrorCode, more: { message?: string, retryAfterMs?: number, details?: ErrorDetail[], cause?: unknown } = {}): ChatError {
  const error = registry[code]() as ChatError
  return Object.assign(error, more)
}

export const isChatError = (error: unknown): error is ChatError =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && Object.hasOwn(registry, error.code)

/** What travels of an error: nothing but the registered fields. */
export function toErrorBody (error: ChatError): ErrorBody {
  return {
    code: error.code,
    message: error.message,
    ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }),
    ...(error.details !== undefined && { details: error.details })
  }
}

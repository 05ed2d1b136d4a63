import type { ErrorBody, ErrorCode, ErrorDetail } from '../schemas/errors.ts'

/** What the client itself finds wrong. All other codes are the server's: docs/errors.md. */
export type ClientErrorCode =
  /** There is no connection, or it was lost before the answer. */
  | 'CLIENT_OFFLINE'
  /** The server did not answer in time. */
  | 'CLIENT_TIMEOUT'
  /** The server answered something that is not of the contract. */
  | 'CLIENT_BAD_ANSWER'
  /** `getToken` failed or gave no token. */
  | 'CLIENT_TOKEN'
  /** So many messages wait to be sent that no more are taken. */
  | 'CLIENT_OUTBOX_FULL'
  /** As many messages are loaded as may be. */
  | 'CLIENT_WINDOW_FULL'
  /** What was stored cannot be read, or the storage takes no more. */
  | 'CLIENT_STORAGE'
  /** The client was closed, or the cafe left. */
  | 'CLIENT_CLOSED'

/** A newer server may know more codes: treat one that you don't know as final. */
export type ChatErrorCode = ErrorCode | ClientErrorCode

/** The one shape of every failure. `retryAfterMs`: another try makes sense after so many milliseconds. */
export class ChatError extends Error {
  readonly code: ChatErrorCode
  readonly retryAfterMs: number | undefined
  readonly details: readonly ErrorDetail[]

  constructor (code: ChatErrorCode, message: string, { retryAfterMs, details = [], cause }: { retryAfterMs?: number | undefined, details?: readonly ErrorDetail[] | undefined, cause?: unknown } = {}) {
    super(message, { cause })
    this.name = 'ChatError'
    this.code = code
    this.retryAfterMs = retryAfterMs
    this.details = details
  }
}

export const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** The server's error body as an error. Whatever else it sent instead is CLIENT_BAD_ANSWER. */
export function toChatError (body: unknown): ChatError {
  const { code, message, retryAfterMs, details } = (isObject(body) ? body : {}) as Partial<ErrorBody>
  if (typeof code !== 'string') return new ChatError('CLIENT_BAD_ANSWER', 'The server answered something else than was asked')
  const wait = typeof retryAfterMs === 'number' && retryAfterMs >= 0 ? retryAfterMs : undefined
  return new ChatError(code, String(message ?? code), { retryAfterMs: wait, details: Array.isArray(details) ? details : [] })
}

const passing: ReadonlySet<string> = new Set<ChatErrorCode>([
  'CHAT_UNAVAILABLE', 'CHAT_OUTCOME_UNKNOWN', 'CHAT_RATE_LIMITED', 'CLIENT_OFFLINE', 'CLIENT_TIMEOUT'
])

/** Another try of the same thing may succeed. */
export const isPassing = ({ code }: ChatError) => passing.has(code)

/** For errors of the application's own functions: nobody here can handle them, and they must not be lost. */
export function report (error: unknown) {
  queueMicrotask(() => { throw error })
}

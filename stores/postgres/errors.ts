import { isChatError, refuse } from '../../services/errors.ts'

/** SQLSTATEs and system errors after which it is certain that nothing was done, and another try may help. */
const REFUSED = new Set([
  'ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOENT',
  '57P03', '53300', '53100', '53200', '25006', '55P03', '57014', '40001', '40P01'
])

/** Milliseconds after which a client may ask again. */
export const retryAfterMs = 1000

/**
 * What a failed query means to the caller: CHAT_UNAVAILABLE when nothing was done, CHAT_OUTCOME_UNKNOWN when a write
 * was on its way, the error itself when it is a fault of the program.
 */
export function translate (error: unknown, kind: 'read' | 'write'): unknown {
  if (!(error instanceof Error) || isChatError(error)) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (REFUSED.has(code) || neverSent(error)) return refuse('CHAT_UNAVAILABLE', { retryAfterMs, cause: error })
  if (connectionLost(error, code)) return refuse(kind === 'write' ? 'CHAT_OUTCOME_UNKNOWN' : 'CHAT_UNAVAILABLE', { retryAfterMs, cause: error })
  return error
}

/** True when PostgreSQL itself judged the data: trying again cannot help, trying the neighbours without it can. */
export const isDataError = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && /^2[23]...$/.test(error.code)

/**
 * May the connection that an error came over serve others? Not one that still owes an answer, nor one to a server that has
 * become a read-only replica.
 */
export const leavesUsable = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && /^(2[23]...|55P03|57014|40001|40P01)$/.test(error.code)

/** True when the database could not be reached at all, so that waiting for it makes sense. */
export const isUnreachable = (error: unknown): boolean => {
  const translated = translate(error, 'read')
  return isChatError(translated) && translated.code === 'CHAT_UNAVAILABLE'
}

// pg tells these apart by words only.
const neverSent = (error: Error) => /timeout exceeded when trying to connect|timeout expired|Cannot use a pool after calling end/.test(error.message)

const connectionLost = (error: Error, code: string) =>
  code === 'ECONNRESET' || code === 'EPIPE' || code === 'ETIMEDOUT' || /^(57P0[12]|08...)$/.test(code) ||
  /Query read timeout|Connection terminated|Client has encountered a connection error/.test(error.message)

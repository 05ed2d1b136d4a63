import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ErrorObject } from 'ajv'
import fp from 'fastify-plugin'
import type { ErrorCode } from '../schemas/errors.ts'
import { type ChatError, isChatError, refuse, toErrorBody } from '../services/errors.ts'
import { refuseMedia, toDetails } from './validation.ts'

/** What an error of Fastify or of a plugin may carry. */
interface Foreign { code?: unknown, statusCode?: unknown, validation?: unknown }

/** Statuses that Fastify, a plugin or a host's hook chose: the answer keeps their meaning in our codes. */
const codeByStatus: Partial<Record<number, ErrorCode>> = {
  401: 'CHAT_UNAUTHENTICATED',
  403: 'CHAT_FORBIDDEN',
  404: 'CHAT_ROUTE_NOT_FOUND',
  413: 'CHAT_PAYLOAD_TOO_LARGE',
  429: 'CHAT_RATE_LIMITED',
  503: 'CHAT_UNAVAILABLE'
}

const unreadable: Partial<Record<string, string>> = {
  FST_ERR_CTP_EMPTY_JSON_BODY: 'The body is empty',
  FST_ERR_CTP_INVALID_JSON_BODY: 'The body is not valid JSON',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The body has another length than announced',
  FST_ERR_BAD_URL: 'The URL is malformed',
  FST_ERR_MAX_PARAM_LENGTH: 'The URL is malformed'
}

/**
 * The registered error for whatever was thrown, on either transport. Never rejects, never shows foreign words;
 * what it was stays in `cause`, for the log.
 */
export function toChatError (error: unknown): ChatError {
  if (isChatError(error)) return error
  const { code, statusCode, validation } = (error ?? {}) as Foreign
  const name = String(code)

  if (/^FA?ST_JWT_/.test(name)) return refuse('CHAT_UNAUTHENTICATED', { cause: error })
  // Of QUERY, a method that no route has: Fastify looks for its body before it looks for the route.
  if (name === 'FST_ERR_ROUTE_MISSING_CONTENT_TYPE') return refuse('CHAT_ROUTE_NOT_FOUND', { cause: error })
  // Its handler may still be at work.
  if (name === 'FST_ERR_HANDLER_TIMEOUT') return refuse('CHAT_OUTCOME_UNKNOWN', { cause: error })
  if (Array.isArray(validation)) return refuse('CHAT_VALIDATION', { cause: error, details: toDetails(validation as ErrorObject[]) })
  if (statusCode === 415) return refuseMedia('content-type', 'contentMediaType', 'The body must be application/json', error)

  const known = codeByStatus[Number(statusCode)]
  if (known !== undefined) return refuse(known, { cause: error })
  if (Number(statusCode) >= 400 && Number(statusCode) < 500) return unreadableRequest(name, error)
  return refuse('CHAT_INTERNAL', { cause: error })
}

function unreadableRequest (name: string, cause: unknown): ChatError {
  const message = unreadable[name]
  return refuse('CHAT_VALIDATION', { cause, ...(message !== undefined && { message }) })
}

/** What the log may have of an error: PostgreSQL puts whole rows into other fields of its errors, and with them what people wrote. */
export function toLog (error: unknown) {
  if (!(error instanceof Error)) return { name: typeof error }
  return { name: error.name, message: error.message, stack: error.stack, ...('code' in error && { code: error.code }) }
}

/** Sends an error in the one shape that all of them have. */
function answer (reply: FastifyReply, error: ChatError) {
  if (error.retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(error.retryAfterMs / 1000))
  if (error.statusCode === 401) reply.header('www-authenticate', 'Bearer')
  return reply.code(error.statusCode).send(toErrorBody(error))
}

/** Refusals are the client's affair; 503 is known to the health check as well; anything else is a fault of ours. */
function log (request: FastifyRequest, error: ChatError) {
  const { code, details, cause } = error
  if (error.statusCode < 500) return request.log.debug({ code, details }, 'request refused')
  const entry = { code, err: toLog(cause ?? error) }
  if (error.statusCode === 503) return request.log.warn(entry, 'request not served')
  request.log.error(entry, 'request failed')
}

/** For requests that match no route, where the process or a prefix wants that answered by us. */
export function notFound (_request: FastifyRequest, reply: FastifyReply) {
  return answer(reply, refuse('CHAT_ROUTE_NOT_FOUND'))
}

/** Fastify's `frameworkErrors`: a URL that the router can't read never gets as far as the error handler. */
export function frameworkErrors (error: unknown, request: FastifyRequest, reply: FastifyReply) {
  const refusal = toChatError(error)
  log(request, refusal)
  answer(reply, refusal)
}

/** Fastify's `clientErrorHandler`: what is not even HTTP, or has too long a header, never becomes a request. */
export function clientError (error: NodeJS.ErrnoException, socket: Socket) {
  if (error.code === 'ECONNRESET' || !socket.writable) return socket.destroy()
  const tooLong = error.code === 'HPE_HEADER_OVERFLOW'
  const refusal = tooLong ? refuse('CHAT_PAYLOAD_TOO_LARGE', { message: 'The header is too long' }) : refuse('CHAT_VALIDATION', { message: 'This is not HTTP' })
  const body = JSON.stringify(toErrorBody(refusal))
  const status = tooLong ? '431 Request Header Fields Too Large' : '400 Bad Request'
  socket.end(`HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`)
}

async function errors (fastify: FastifyInstance) {
  const { meter } = fastify.metrics
  fastify.setErrorHandler(function onError (error: unknown, request, reply) {
    const refusal = toChatError(error)
    meter.count('refusals', refusal.code)
    log(request, refusal)
    return answer(reply, refusal)
  })
}

export default fp(errors, { name: 'errors', dependencies: ['metrics', 'validation'] })

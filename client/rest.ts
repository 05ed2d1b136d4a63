import { ChatError, isObject, toChatError } from './errors.ts'

const ANSWER_MS = 15_000

export interface Call { token?: string | undefined, body?: unknown }

/** JSON over HTTP. */
export type Rest = <T>(method: string, path: string, call?: Call) => Promise<T>

/**
 * REST below `base`, an absolute URL without a slash at its end. Rejects with a ChatError only: the server's, CLIENT_OFFLINE,
 * CLIENT_TIMEOUT, CHAT_UNAVAILABLE for a proxy that has no server, or CLIENT_BAD_ANSWER for whatever else is not of klatsch.
 */
export function createRest (base: string): Rest {
  return async function call<T> (method: string, path: string, { token, body }: Call = {}): Promise<T> {
    const signal = AbortSignal.timeout(ANSWER_MS)
    try {
      const response = await fetch(base + path, {
        method,
        signal,
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' })
        },
        ...(body !== undefined && { body: JSON.stringify(body) })
      })
      const text = await response.text()
      const answer = parse(text)
      if (response.ok && isObject(answer)) return answer as T
      // Such as a proxy's page: klatsch always says more.
      if (response.status >= 500 && !isObject(answer)) throw new ChatError('CHAT_UNAVAILABLE', `${method} ${path}: ${response.status} ${response.statusText}`)
      throw toChatError(response.ok ? undefined : answer)
    } catch (error) {
      if (error instanceof ChatError) throw error
      if (signal.aborted) throw new ChatError('CLIENT_TIMEOUT', `No answer to ${method} ${path} within ${ANSWER_MS} ms`, { cause: error })
      throw new ChatError('CLIENT_OFFLINE', `${method} ${path} did not reach the server`, { cause: error })
    }
  }
}

/** undefined where it is no JSON. */
function parse (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

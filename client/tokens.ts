import type { Session } from '../schemas/users.ts'
import { ChatError, report } from './errors.ts'
import type { Rest } from './rest.ts'

const TOKEN_MS = 20_000

export interface TokenOptions {
  /** A token to begin with. */
  token?: string | undefined
  /** Where tokens come from, asked whenever a new one is needed; without it the server exchanges the one that is about to expire. */
  getToken?: (() => string | Promise<string>) | undefined
  /** Hears of each token that the server gave in exchange: keep it for the next page. */
  onToken?: ((token: string, expiresAt: string) => void) | undefined
}

const refused = (message: string) => new ChatError('CHAT_UNAUTHENTICATED', message)

/** The token that is used now, and how to come by another. Never tries one that was refused again. */
export function createTokens ({ token, getToken, onToken }: TokenOptions, rest: Rest) {
  let current = token
  let refusedToken: string | undefined
  let renewing: Promise<string> | undefined

  async function ask (get: () => string | Promise<string>): Promise<string> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new ChatError('CLIENT_TOKEN', `getToken gave nothing within ${TOKEN_MS} ms`)), TOKEN_MS)
    })
    try {
      const given: unknown = await Promise.race([get(), late])
      if (typeof given !== 'string' || given === '') throw new ChatError('CLIENT_TOKEN', 'getToken gave no token')
      return given
    } catch (cause) {
      throw cause instanceof ChatError ? cause : new ChatError('CLIENT_TOKEN', 'getToken failed', { cause })
    } finally {
      clearTimeout(timer)
    }
  }

  async function exchange (): Promise<string> {
    if (current === undefined) throw refused('There is no token that the server takes')
    const session = await rest<Session>('POST', '/api/auth/refresh', { token: current })
    if (typeof session.token !== 'string') throw new ChatError('CLIENT_BAD_ANSWER', 'The server gave no token')
    try {
      onToken?.(session.token, session.expiresAt)
    } catch (error) {
      report(error)
    }
    return session.token
  }

  async function change (): Promise<string> {
    const asked = current
    const next = getToken === undefined ? await exchange() : await ask(getToken)
    // Meanwhile the application may have set one by itself.
    if (current !== asked) return current!
    if (next === refusedToken) throw refused('getToken gave the token that was refused')
    current = next
    return next
  }

  /** Another token in place of the present one; who asks meanwhile gets the same. @throws CHAT_UNAUTHENTICATED when there is none to be had */
  function renew (): Promise<string> {
    renewing ??= change().finally(() => { renewing = undefined })
    return renewing
  }

  return {
    renew,
    /** The present token, or a first one. */
    get: async (): Promise<string> => current ?? renew(),
    /** The server refused the present one. True if there may be another. */
    refuse (): boolean {
      refusedToken = current
      current = undefined
      return getToken !== undefined
    },
    set (next: string) {
      current = next
      refusedToken = undefined
    },
    get current (): string | undefined { return current },
    canAsk: getToken !== undefined
  }
}

export type Tokens = ReturnType<typeof createTokens>

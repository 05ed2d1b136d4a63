import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import type { Cafe } from '../../../schemas/cafes.ts'
import type { User } from '../../../schemas/users.ts'

export interface Caller {
  user: User
  token: string
  get: (url: string, headers?: Record<string, string>) => Promise<LightMyRequestResponse>
  /** `body`: an object goes as JSON. */
  post: (url: string, body?: unknown, headers?: Record<string, string>) => Promise<LightMyRequestResponse>
  remove: (url: string) => Promise<LightMyRequestResponse>
}

/** A guest of the app who calls its routes. `role`: with a token that grants it. */
export async function enter (app: FastifyInstance, username: string, role: User['role'] = 'member'): Promise<Caller> {
  const user = { ...await app.services.accounts.welcome(username), role }
  const { token } = app.issue(user)
  const call = (options: InjectOptions) => app.inject({ ...options, headers: { authorization: `Bearer ${token}`, ...options.headers } })
  return {
    user,
    token,
    get: (url, headers = {}) => call({ method: 'GET', url, headers }),
    post: (url, body, headers = {}) => call({ method: 'POST', url, headers, ...(body !== undefined && { payload: body as object }) }),
    remove: url => call({ method: 'DELETE', url })
  }
}

/** A new cafe of the app. */
export const open = (app: FastifyInstance, name = 'Corner Table'): Promise<Cafe> => app.services.cafes.open(name)

export const unknownId = '00000000-0000-4000-8000-000000000000'

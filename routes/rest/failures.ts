import type { TUnsafe } from '@sinclair/typebox'
import { Ref } from '../../schemas/common.ts'
import { ErrorBody } from '../../schemas/errors.ts'

/** Response schemas of the statuses that a route may fail with. */
export function failures<S extends number> (...statuses: S[]): Record<S, TUnsafe<ErrorBody>> {
  return Object.fromEntries(statuses.map(status => [status, Ref(ErrorBody)])) as Record<S, TUnsafe<ErrorBody>>
}

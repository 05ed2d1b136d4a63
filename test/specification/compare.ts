import type { Test } from 'tap'
import { startKlatschBox, startLiteralBox, type BlackBox } from './black-box.ts'

/** The same behaviour asked of either server. Throws an AssertionError when the fault shows, any other error when it could not look. */
export type Check = (server: BlackBox) => Promise<void>

export interface Pair { literal: BlackBox, klatsch: BlackBox }

/** Starts both servers, each with a database and a Redis of its own; `env` goes to both. */
export async function startPair (t: Test, env: Record<string, string> = {}): Promise<Pair> {
  t.setTimeout(120_000)
  const [literal, klatsch] = await Promise.all([startLiteralBox(t, env), startKlatschBox(t, env)])
  return { literal, klatsch }
}

/**
 * One fault of the specification: the check must fail on the server that takes the specification at its word and hold on klatsch.
 *
 * @param shows how the check words its failure: any other failure of the literal server is a mistake of the check
 */
export async function compare (t: Test, { literal, klatsch }: Pair, shows: RegExp, check: Check): Promise<void> {
  const [, holds] = await Promise.all([
    t.rejects(check(literal), { code: 'ERR_ASSERTION', message: shows }, 'the literal server has the fault'),
    t.resolves(check(klatsch), 'klatsch has not')
  ])
  if (!holds) t.comment(`the last that klatsch said:\n${klatsch.logs().slice(-2_000)}`)
}

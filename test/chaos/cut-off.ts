import type { Test } from 'tap'
import { startProxy, type Proxy } from '../support/proxy.ts'
import { setUp, type Stage } from './stage.ts'

/** A stage whose first node gets to one of the stores by a way that a test can cut; all others keep theirs. */
export async function setUpCutOff (t: Test, store: 'DATABASE_URL' | 'REDIS_URL', env: Record<string, string> = {}): Promise<{ stage: Stage, way: Proxy }> {
  const ways: Proxy[] = []
  const stage = await setUp(t, {
    async env (urls, index) {
      if (index > 0) return {}
      const way = await startProxy(t, urls[store])
      ways.push(way)
      return { ...env, [store]: way.url }
    }
  })
  return { stage, way: ways[0]! }
}

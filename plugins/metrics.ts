import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import { errorCodes } from '../schemas/errors.ts'
import type { Counted, Meter } from '../services/ports.ts'

export interface Metrics {
  /** Everything that GET /metrics shows: this app's numbers and those of the process. */
  registry: Registry
  meter: Meter
  /** A number that somebody else keeps; `read` is called at each scrape. */
  gauge: (name: string, help: string, read: () => number) => void
}

declare module 'fastify' {
  interface FastifyInstance { metrics: Metrics }
}

/** `label`: what tells the series of the counter apart. `start`: series that are known beforehand and begin at 0, so that a rate never misses the first. */
interface Definition { name: string, help: string, label?: string, start?: readonly string[] }

const counters = {
  sends: { name: 'chat_sends_total', help: 'Sends that were asked for' },
  acks: { name: 'chat_acks_total', help: 'Sends that were committed and answered' },
  refusals: { name: 'chat_refusals_total', help: 'Requests and events that failed, by code', label: 'code', start: errorCodes },
  gaps: { name: 'chat_feed_gaps_total', help: 'Changes that did not arrive in turn' },
  repairs: { name: 'chat_feed_repairs_total', help: 'Gaps that were filled from the database' },
  dropped: { name: 'chat_dropped_frames_total', help: 'Frames that could not be read or sent, by kind', label: 'kind' },
  cache: { name: 'chat_cache_total', help: 'Reads of recent messages, by result', label: 'result', start: ['hit', 'miss'] },
  hotState: { name: 'chat_hot_state_failures_total', help: 'Calls to the hot state that failed, by part', label: 'part' },
  dismissals: { name: 'chat_dismissals_total', help: 'Sockets cut off because of their token, by reason', label: 'reason', start: ['expired', 'revoked'] },
  slow: { name: 'chat_slow_consumers_total', help: 'Connections closed because the client read too slowly' }
} as const satisfies Record<string, Definition>

/** Which counter a name of the Meter port moves, and under which label if that is fixed. */
const targets: Record<Counted, { counter: keyof typeof counters, label?: string }> = {
  sends: { counter: 'sends' },
  acks: { counter: 'acks' },
  refusals: { counter: 'refusals' },
  feed_gaps: { counter: 'gaps' },
  feed_repairs: { counter: 'repairs' },
  dropped_frames: { counter: 'dropped' },
  cache_hits: { counter: 'cache', label: 'hit' },
  cache_misses: { counter: 'cache', label: 'miss' },
  hot_state_failures: { counter: 'hotState' },
  slow_consumers: { counter: 'slow' },
  dismissals: { counter: 'dismissals' }
}

// Its observers of the event loop and of garbage collection can't be closed, so all apps of a process share one set.
let ofProcess: Registry | undefined

function processRegistry (): Registry {
  if (ofProcess === undefined) {
    ofProcess = new Registry()
    collectDefaultMetrics({ register: ofProcess, labels: { app: 'klatsch' } })
  }
  return ofProcess
}

function createCounter (registry: Registry, { name, help, label, start = [] }: Definition): Counter {
  const counter = new Counter({ name, help, labelNames: label === undefined ? [] : [label], registers: [registry] })
  for (const value of start) counter.inc({ [label!]: value }, 0)
  return counter
}

function createMeter (registry: Registry): Meter {
  const byName = new Map(Object.entries(counters).map(([key, definition]) => [key, createCounter(registry, definition)]))
  return {
    count (name, label, by = 1) {
      const target = targets[name]
      const { label: labelName }: Definition = counters[target.counter]
      const value = target.label ?? label ?? 'other'
      byName.get(target.counter)!.inc(labelName === undefined ? {} : { [labelName]: value }, by)
    }
  }
}

async function metrics (fastify: FastifyInstance) {
  const registry = Registry.merge([processRegistry()])
  fastify.decorate('metrics', {
    registry,
    meter: createMeter(registry),
    gauge (name, help, read) {
      registry.registerMetric(new Gauge({ name, help, registers: [], collect () { this.set(read()) } }))
    }
  })
}

export default fp(metrics, { name: 'metrics' })

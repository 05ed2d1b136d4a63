import type { FastifyInstance } from 'fastify'

/** The statements that an app sends to PostgreSQL from now on; what the health check and the look for revocations ask by themselves is left out. */
export function watchQueries ({ pg: { pool } }: FastifyInstance): string[] {
  const seen: string[] = []
  const watched = new WeakSet<object>()
  pool.on('acquire', client => {
    if (watched.has(client)) return
    watched.add(client)
    const query = client.query.bind(client) as (...args: unknown[]) => unknown
    Object.assign(client, {
      query (...args: unknown[]) {
        const [first] = args as [string | { text: string }]
        const text = typeof first === 'string' ? first : first.text
        if (!text.startsWith('SELECT current_setting(') && !text.includes('FROM revocations')) seen.push(text)
        return query(...args)
      }
    })
  })
  return seen
}

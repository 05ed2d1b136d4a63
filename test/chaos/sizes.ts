/** How much is going on in a fault test. */
export interface Size {
  /** Nodes behind a sticky balancer; `undefined`: as many as the test asks for, and clients know the nodes' addresses themselves. */
  balanced?: number
  clients: number
  cafes: number
  /** sends, edits and deletions of all clients together */
  perSecond: number
  /** Everybody talks at least for so long, and for two seconds after everything is whole again. */
  seconds: number
  /** Into the talk. */
  breakAfterMs: number
  /** For how long soak.test.ts breaks one thing after another. */
  soakSeconds: number
  /** What others on the same machine may add to any time. */
  patienceMs: number
  /** Of the nodes: variables that differ from their defaults. */
  env: Record<string, string>
}

export const sizes = {
  /** In `npm test`, where it shares the machine with other tests; the leases of presence are short because waiting for them is. */
  small: { clients: 24, cafes: 4, perSecond: 30, seconds: 4, breakAfterMs: 1200, soakSeconds: 6, patienceMs: 1500, env: { PRESENCE_HEARTBEAT: '800', PRESENCE_LEASE: '3000', PRESSURE_DELAY: '0' } },
  /** In `npm run chaos`, which has the machine for itself. */
  full: { balanced: 3, clients: 300, cafes: 20, perSecond: 100, seconds: 20, breakAfterMs: 5000, soakSeconds: 180, patienceMs: 0, env: { DRAIN_WAIT: '1000' } }
} satisfies Record<string, Size>

/** The size that CHAOS_SIZE names, with CHAOS_CLIENTS, CHAOS_CAFES, CHAOS_RATE, CHAOS_SECONDS and CHAOS_SOAK (seconds) in the place of its numbers. */
export const size: Size = read(process.env)

function read (env: Record<string, string | undefined>): Size {
  const { CHAOS_SIZE: name = 'small' } = env
  const named: Size | undefined = Object.hasOwn(sizes, name) ? sizes[name as keyof typeof sizes] : undefined
  if (named === undefined) throw new Error(`CHAOS_SIZE must be ${Object.keys(sizes).join(' or ')}`)
  const number = (variable: string, otherwise: number) => {
    const text = env[variable] ?? ''
    if (text === '') return otherwise
    if (!/^[1-9]\d{0,4}$/.test(text)) throw new Error(`${variable} must be a whole number from 1 on`)
    return Number(text)
  }
  return {
    ...named,
    clients: number('CHAOS_CLIENTS', named.clients),
    cafes: number('CHAOS_CAFES', named.cafes),
    perSecond: number('CHAOS_RATE', named.perSecond),
    seconds: number('CHAOS_SECONDS', named.seconds),
    soakSeconds: number('CHAOS_SOAK', named.soakSeconds)
  }
}

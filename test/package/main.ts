/**
 * `npm run package:check`: the tarball that would go to a registry, before other people's judges and in projects that have nothing
 * but it and Fastify. Each of these files is a set of tests; tap runs them in this process, one after another.
 */
import t from 'tap'
import { install } from './tools.ts'

// tap gives a file half a minute; each of these tests has a limit of its own.
t.setTimeout(0)
// Two consumers, which wait for the network a good part of their time, and one of the others.
t.jobs = 3
install()
await import('./tarball.ts')
await import('./consumers.ts')

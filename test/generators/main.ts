/**
 * `npm run generators`: the committed documents before other people's judges, and through their generators. Each of these files
 * is a set of tests; tap runs them in this process, one after another.
 */
import t from 'tap'
import { install } from './tools.ts'

// tap gives a file half a minute; each of these tests has that for itself.
t.setTimeout(0)
install()
await import('./judges.ts')
await import('./openapi.ts')
await import('./events.ts')
await import('./languages.ts')

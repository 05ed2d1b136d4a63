import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { clientEvents } from '../../schemas/events.ts'
import type { Message } from '../../schemas/messages.ts'
import { casesOf } from './session.ts'
import { sessions } from './steps.ts'
import { resolve } from './values.ts'
import { createView } from './view.ts'

const cafeId = randomUUID()
const message = (seq: number, rev = seq): Message => ({ id: `m${seq}`, cafeId, userId: 'ann', username: 'Ann', content: `text ${rev}`, createdAt: '2025-11-19T10:00:00.000Z', deleted: false, seq, rev })
const at = (rev: number, ...messages: Message[]) => ({ cafeId, messages, rev, recovered: false })
const truth = (rev: number, ...messages: Message[]) => ({ seq: messages.length, rev, messages: new Map(messages.map(one => [one.seq, one])) })

/** A view that has heard the first two messages, and what it found wrong since. */
function watch () {
  const faults: string[] = []
  const view = createView(cafeId, fault => faults.push(fault))
  view.hear(at(2, message(2), message(1)))
  return { view, faults }
}

t.test('a view that hears every step once has nothing to say', async t => {
  const { view, faults } = watch()
  view.change({ message: message(3), rev: 3 }, 'message:new')
  view.change({ message: { ...message(1, 4), editedAt: '2025-11-19T10:00:01.000Z' }, rev: 4 }, 'message:updated')
  view.remove({ cafeId, messageId: 'm2', seq: 2, rev: 5, deletedAt: '2025-11-19T10:00:02.000Z' })
  const tombstone = { ...message(2, 5), content: '', deleted: true, deletedAt: '2025-11-19T10:00:02.000Z' }
  faults.push(...view.compare(truth(5, { ...message(1, 4), editedAt: '2025-11-19T10:00:01.000Z' }, tombstone, message(3))))
  t.strictSame(faults, [])
})

t.test('whatever else comes is found', async t => {
  type Watched = ReturnType<typeof watch>['view']
  const wrong: Record<string, (view: Watched) => unknown> = {
    'a step is missing': view => view.change({ message: message(4), rev: 4 }, 'message:new'),
    'a step comes twice': view => view.change({ message: message(2), rev: 2 }, 'message:new'),
    'a step comes too late': view => view.remove({ cafeId, messageId: 'm1', seq: 1, rev: 1, deletedAt: '' }),
    'a step of a cafe that was left': view => { view.leave(); view.change({ message: message(3), rev: 3 }, 'message:new') },
    'history goes back': view => view.hear(at(1, message(1))),
    'history is not in order': view => view.hear(at(3, message(1), message(2))),
    'the head is further': view => view.compare(truth(3, message(1), message(2))),
    'a message is missing': view => view.compare(truth(2, message(1), message(2), message(3))),
    'a message that is not stored': view => view.compare(truth(2, message(1))),
    'another text': view => view.compare(truth(2, message(1), { ...message(2), content: 'other' })),
    'another state': view => view.compare(truth(2, { ...message(1), deleted: true }, message(2)))
  }
  for (const [what, happens] of Object.entries(wrong)) {
    const { view, faults } = watch()
    const found = happens(view)
    t.equal(faults.length + (Array.isArray(found) ? found.length : 0), 1, what)
  }
})

t.test('a seed makes the same sessions again, of every event and route, right and wrong', async t => {
  const document = { paths: { '/api/cafes/{id}': { get: { parameters: [{ in: 'path', name: 'id', schema: { type: 'string', format: 'uuid', description: 'Names a cafe' } }], security: [{}], responses: { 200: {} } } } } }
  const sample = () => fc.sample(sessions(document, 100), { seed: 7, numRuns: 20 })
  const all = sample()
  t.equal(JSON.stringify(sample()), JSON.stringify(all))
  t.ok(all.every(steps => steps.length >= 100))
  const steps = all.flat()
  t.ok(casesOf(steps) > 0.85 * steps.length)
  const named = new Set(steps.flatMap(step => step.do === 'emit' ? [step.event] : []))
  t.strictSame(Object.keys(clientEvents).filter(name => !named.has(name)), [])
  t.strictSame(new Set(steps.map(step => step.do)), new Set(['emit', 'call', 'packet', 'cut', 'back', 'settle']))
})

t.test('references become ids, and nothing else changes', async t => {
  const find = ({ $, at }: { $: string, at: number }) => `${$} ${at}`
  const value = JSON.parse('{"a":{"$":"cafe","at":1},"__proto__":{"x":1},"b":[{"$":"user","at":2},{"$":"user"},null,1.5]}') as unknown
  t.equal(JSON.stringify(resolve(value, find)), '{"a":"cafe 1","__proto__":{"x":1},"b":["user 2",{"$":"user"},null,1.5]}')
})

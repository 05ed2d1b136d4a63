import t from 'tap'
import { createSeal } from '../../../stores/redis/seal.ts'

const key = Buffer.alloc(32, 1)

t.test('what one node seals another opens, on the same channel only', async t => {
  const [here, there, stranger] = [createSeal(key), createSeal(Buffer.from(key)), createSeal(Buffer.alloc(32, 2))]
  for (const text of ['', '{}', 'Grüße ☕', '\n', 'x'.repeat(100_000)]) {
    const frame = here.wrap('a', text)
    t.equal(there.open('a', frame), text)
    t.equal(there.open('b', frame), undefined, 'another channel')
    t.equal(there.open('a', `${frame} `), undefined, 'a longer text')
    t.equal(there.open('a', `A${frame.slice(1)}`) === text, frame.startsWith('A'), 'another tag')
    t.equal(stranger.open('a', frame), undefined, 'another key')
    t.equal(there.open('a', text), undefined, 'no tag')
  }
  t.equal(there.open('a', 'ü'.repeat(40)), undefined, 'a tag of other bytes')
})

t.test('without a key nothing is sealed and nothing opens', async t => {
  const seal = createSeal()
  const frame = createSeal(key).wrap('a', 'text')
  t.throws(() => seal.wrap('a', 'text'), /not known yet/)
  t.equal(seal.open('a', frame), undefined)
  seal.use(key)
  t.equal(seal.open('a', frame), 'text')
})

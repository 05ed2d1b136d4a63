import t from 'tap'
import { loadConfig } from '../../plugins/config.ts'
import { createBudgets } from '../../services/budgets.ts'
import type { Action, Limits, Spender } from '../../services/ports.ts'
import { createLimits } from '../../stores/memory/limits.ts'

/** Default rates, and a clock that the test moves. */
function setUp () {
  let now = 1_763_546_400_000
  const { spendHere } = createBudgets(createLimits(loadConfig({}).limits, () => now))
  const later = (ms: number) => { now += ms }
  return { spendHere, later }
}

/** Each of `steps` is a moment, `every` milliseconds apart, at which all of `spend` is asked for. */
function passes (every: number, steps: number, spend: (step: number) => Array<[Action, Spender]>) {
  const { spendHere, later } = setUp()
  for (let step = 0; step < steps; step++) {
    for (const [action, spender] of spend(step)) spendHere(action, spender)
    later(every)
  }
}

const names = (what: string, count: number) => Array.from({ length: count }, (_, index) => `${what} ${index}`)

t.test('no honest client meets the defaults', async t => {
  const cafes = names('cafe', 50)
  t.doesNotThrow(() => passes(5000, 12, () => names('tab', 8).flatMap(() => cafes.slice(0, 20).map((cafe): [Action, Spender] => ['join', { userId: 'ann', places: [cafe] }]))),
    'eight tabs that come back to twenty cafes each, every five seconds for a minute')
  t.doesNotThrow(() => passes(20_000, 3, () => names('tab', 10).flatMap(() => cafes.map((cafe): [Action, Spender] => ['join', { userId: 'ann', places: [cafe] }]))),
    'ten tabs in as many cafes as they may be, whose node was started again')
  t.doesNotThrow(() => passes(100, 100, step => names('guest', 500).map((name): [Action, Spender] => ['join', { userId: `${name} of ${step}`, places: ['cafe'] }])),
    'fifty thousand who come to one cafe within ten seconds')
  t.doesNotThrow(() => passes(60_000, 2, () => names('guest', 20_000).map((name): [Action, Spender] => ['join', { userId: name, places: ['cafe'] }])),
    'twenty thousand who come back at once')
  t.doesNotThrow(() => passes(1000, 60, () => names('device', 3).flatMap(() => cafes.slice(0, 5).map((cafe): [Action, Spender] => ['typing', { userId: 'ann', places: [cafe] }]))),
    'typing each second in five cafes, on three devices')
  t.doesNotThrow(() => passes(1000 / 15, 900, () => [['typing', { userId: 'ann', places: [] }]]), 'each of fifteen keystrokes a second, for a minute')
  t.doesNotThrow(() => passes(2000, 30, () => names('member', 900).map((name): [Action, Spender] => ['typing', { userId: name, places: ['cafe'] }])),
    'nine hundred who begin to type every two seconds')
  t.doesNotThrow(() => passes(1000, 60, () => [['presence', { userId: 'ann', places: cafes }], ['presence', { userId: 'ann', places: cafes }]]), 'away and back each second, in fifty cafes')
  t.doesNotThrow(() => passes(20_000, 3, () => names('tab', 40).map((): [Action, Spender] => ['presence', { userId: 'ann', places: cafes }])), 'forty tabs that say their status as they come back')
  t.doesNotThrow(() => passes(500, 120, () => [['send', { userId: 'ann', places: ['cafe'] }]]), 'two messages a second')
})

t.test('a refusal says whose budget it is, and when to come again', async t => {
  const { spendHere, later } = setUp()
  const refusals: Array<[Action, number, string]> = [['send', 20, 'messages'], ['typing', 200, 'signs of typing'], ['join', 500, 'joins'], ['presence', 50, 'changes of status']]
  for (const [action, rate, words] of refusals) {
    const spend = () => spendHere(action, { userId: 'ann', places: ['cafe'] })
    for (let n = 0; n < rate; n++) spend()
    t.throws(spend, {
      code: 'CHAT_RATE_LIMITED', statusCode: 429, retryAfterMs: 10_000 / rate, message: `Too many ${words} of this user`, details: [{ field: 'userId', rule: `${action}Rate` }]
    })
    later(10_000 / rate)
    t.doesNotThrow(spend, 'and then it passes')
  }
})

t.test('what this node refuses nobody else is asked for', async t => {
  let asked = 0
  const own = createLimits({ ...loadConfig({ CHAT_USER_RATE: '1' }).limits }, () => 0)
  const limits: Limits = { ...own, async takeShared () { asked++; return asked === 2 ? { of: 'cafe', waitMs: 7 } : undefined } }
  const { spend } = createBudgets(limits)
  await spend('send', { userId: 'ann', places: ['cafe'] })
  await t.rejects(spend('send', { userId: 'ann', places: ['cafe'] }), { message: 'Too many messages of this user' })
  t.equal(asked, 1)
  await t.rejects(spend('send', { userId: 'bob', places: ['cafe'] }), { retryAfterMs: 7, message: 'Too many messages in this cafe' })
})

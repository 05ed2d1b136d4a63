import { Ajv } from 'ajv'
import t from 'tap'
import { LINE_PATTERN, NAME_PATTERN } from '../../schemas/common.ts'

// By Ajv, which decides how a pattern is read.
const ajv = new Ajv()
const isName = ajv.compile({ type: 'string', pattern: NAME_PATTERN })
const isLine = ajv.compile({ type: 'string', pattern: LINE_PATTERN })

const HIDDEN = ['\u200b', '\u200b\u200d', '\u00ad', '\u061c', '\u3164', '\uffa0', '\u115f', '\u2800', '\ufe0f', '\u034f', '\u180e', '\u2065', '\u{e0041}', '\u{e0100}', '\u0301', '\u200b \u3164']

t.test('a name has a visible character, and what names need beside it', async t => {
  for (const name of ['A', 'Ann', 'Ann Lee', '☕', '1\ufe0f\u20e3', '👩‍👩‍👧‍👦', '🇩🇪', 'e\u0301', 'نام\u200cخانوادگی', 'क्\u200dष', '\u200dAnn', '\u200b Ann', '\u0301A', '음악', 'A\u200b']) t.ok(isName(name), JSON.stringify(name))
  for (const name of [...HIDDEN, '', ' ', ' Ann', 'Ann ', '\ufeffAnn', 'Ann\u3000', '\u202eAnn', 'A\u2066nn', 'A\nnn', 'A\u0000', '\ud83e', 'A\udd50']) t.notOk(isName(name), JSON.stringify(name))
})

t.test('a line is empty or has something to see', async t => {
  for (const line of ['', 'a', ' a ', '\u202eleft', '\u200b a', '☕', 'مشغول']) t.ok(isLine(line), JSON.stringify(line))
  for (const line of [...HIDDEN, ' ', '\u202e', 'two\nlines', 'a\u0000', '\ud83e']) t.notOk(isLine(line), JSON.stringify(line))
})

t.test('a long one takes no longer than its length', async t => {
  // Read in two ways these would take until the end of time, read in one a few milliseconds all together.
  const start = Date.now()
  for (const part of ['a', '\u200b', '\u0301', ' ', '\ufeff', '\u2800', 'a\u200b', '\u200b a', '\u{e0041}']) {
    for (const end of ['', ' ', '\u0000', '\u202e']) {
      isName(part.repeat(60_000) + end)
      isLine(part.repeat(60_000) + end)
    }
  }
  t.ok(Date.now() - start < 10_000, `${Date.now() - start} ms`)
})

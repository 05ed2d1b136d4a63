import t from 'tap'
import { checkContent, normalise } from '../../services/content.ts'

const ruleOf = (content: string, maxLength = 10) => {
  try {
    checkContent(content, maxLength)
    return undefined
  } catch (error) {
    const { code, details } = error as { code: string, details: Array<{ field: string, rule: string }> }
    return `${code} ${details[0]!.field} ${details[0]!.rule}`
  }
}

t.test('lengths are counted in code points', async t => {
  for (const content of ['x', 'x'.repeat(10), '🥐'.repeat(10), 'é'.repeat(10)]) t.equal(ruleOf(content), undefined, content)
  for (const content of ['x'.repeat(11), '🥐'.repeat(11), `${'🥐'.repeat(10)}x`, 'x'.repeat(1_000_000)]) {
    t.equal(ruleOf(content), 'CHAT_CONTENT_INVALID content maxLength', `${content.length} units`)
  }
  t.equal(ruleOf('\ud83e'.repeat(11)), 'CHAT_CONTENT_INVALID content maxLength', 'halves count each')
})

t.test('characters that no message may have', async t => {
  for (let code = 0; code < 0xa0; code++) {
    const isControl = (code < 0x20 && code !== 9 && code !== 10) || code >= 0x7f
    t.equal(ruleOf(`a${String.fromCharCode(code)}b`), isControl ? 'CHAT_CONTENT_INVALID content characters' : undefined, `U+${code.toString(16).padStart(4, '0')}`)
  }
  for (const content of ['\ud800', 'a\udfffb', '\udc00\ud800']) t.equal(ruleOf(content), 'CHAT_CONTENT_INVALID content wellFormed')
})

t.test('marks, as many as languages need', async t => {
  for (const content of ['e\u0301', 'שָׁלוֹם', 'हिन्दी', 'ཧྐྵྨླྺྼྻྂ'.slice(0, 9), `z${'\u0301'.repeat(8)}`, '1\ufe0f\u20e3']) t.equal(ruleOf(content), undefined, content)
  for (const content of [`z${'\u0301'.repeat(9)}`, `ok ${'\u0489'.repeat(200)}`, `a${'\u0300\u0316'.repeat(5)}`]) t.equal(ruleOf(content, 500), 'CHAT_CONTENT_INVALID content marks', content)
})

t.test('what nobody can see is blank', async t => {
  for (const content of ['', ' ', '\n\t', '\u00a0', '\u3000', '\u200b', '\u2060\ufeff', '\u115f\u1160', '\u2800', '\u3164', '\uffa0', '\u00ad', '\ufe0f', '\u034f', '\u{e0041}', '\u{e0100}']) {
    t.equal(ruleOf(content), 'CHAT_CONTENT_INVALID content blank', JSON.stringify(content))
  }
  for (const content of [' .', '\u200bx', '👩‍👩‍👧', '\u202eabc']) t.equal(ruleOf(content), undefined, JSON.stringify(content))
})

t.test('the same words in other clothes are the same content', async t => {
  for (const [a, b] of [['Buy NOW', ' buy\n\tnow '], ['ｂｕｙ', 'buy'], ['cafe\u0301', 'café'], ['ÄRGER', 'ärger']] as const) t.equal(normalise(a), normalise(b), a)
  t.not(normalise('buy now'), normalise('buynow'))
})

import t from 'tap'
import { extractWords } from '../../services/words.ts'

const MIN = 4

t.test('words of every script', async t => {
  const messages: Array<[string, string[]]> = [
    ['The espresso here is wonderful', ['espresso', 'wonderful']],
    ['Grüße aus dem Café: der Käsekuchen ist köstlich!', ['grüße', 'café', 'käsekuchen', 'köstlich']],
    ['コーヒーを飲みます', ['コーヒー']],
    ['我喜欢喝咖啡', ['喜欢', '咖啡']],
    ['กาแฟอร่อย', ['กาแฟ', 'อร่อย']],
    ['커피 맛있어요', ['커피', '맛있어요']],
    ['قهوة عربية لذيذة', ['قهوة', 'عربية', 'لذيذة']],
    ['кофе очень вкусный', ['кофе', 'вкусный']],
    ['καφές και κρουασάν', ['καφές', 'κρουασάν']],
    ['कॉफी बहुत अच्छी', ['कॉफी', 'अच्छी']]
  ]
  for (const [content, words] of messages) t.same(extractWords(content, MIN).filter(word => words.includes(word)), words, content)
})

t.test('what surrounds a word is no part of it', async t => {
  const messages: Array<[string, string[]]> = [
    ['espresso, cortado; (lungo) "mocha"... #latte!', ['espresso', 'cortado', 'lungo', 'mocha', 'latte']],
    ['espresso.Cortado', ['espresso', 'cortado']],
    ['_flat_white_ mocha-latte', ['flat', 'white', 'mocha', 'latte']],
    ['l\'espresso d’Italie', ['espresso', 'italie']],
    ['the barista\'s cups AREN\'T clean', ['barista', 'cups', 'clean']],
    ['col·lecció', ['col·lecció']],
    ['ESPRESSO Espresso ｅｓｐｒｅｓｓｏ', ['espresso']],
    ['cafe\u0301', ['café']]
  ]
  for (const [content, words] of messages) t.same(extractWords(content, MIN), words, content)
})

t.test('what is no topic', async t => {
  const messages = [
    '', ' ', '☕ 🥐 👩‍👩‍👧', '12345 2024-10-10 3.14159', 'the and with would couldn\'t doesn’t', 'aber nicht sondern', 'pour avec dans', 'tea cup bar', 'お の は', 'ください',
    'https://klatsch.example/espresso?cup=large#hot', 'see www.klatsch.example/espresso', 'ftp://klatsch.example', 'ann.barista@klatsch.example',
    'x'.repeat(41)
  ]
  for (const content of messages) t.same(extractWords(content, MIN).filter(word => word !== 'see'), [], JSON.stringify(content))
})

t.test('lengths', async t => {
  t.same(extractWords('a to tea latte', 1).includes('tea'), true)
  t.same(extractWords('tea latte espresso', 5), ['latte', 'espresso'])
  t.same(extractWords('咖啡 カフェ', 9), ['咖啡', 'カフェ'], 'scripts in which a sign says more have their own bound')
  t.same(extractWords('東 咖啡', 1), ['東', '咖啡'], 'which is never above the other')
  t.same(extractWords('𝒍𝒂𝒕𝒕𝒆', 6), [], 'of code points, not of UTF-16 units')
  t.same(extractWords('𝒍𝒂𝒕𝒕𝒆 latte', 5), ['latte'])
  t.same(extractWords('x'.repeat(40), MIN), ['x'.repeat(40)])
})

t.test('a message made to cost much', async t => {
  const many = Array.from({ length: 500 }, (_, n) => `topic${n}`).join(' ')
  t.equal(extractWords(many, MIN).length, 50, 'a bounded number of words')
  for (const unit of ['a', 'a.', 'a@', 'a://', '@', 'n\'t', 'é', '_', '咖']) {
    const start = process.hrtime.bigint()
    extractWords(unit.repeat(Math.floor(4000 / unit.length)), MIN)
    const took = Number(process.hrtime.bigint() - start) / 1e6
    t.ok(took < 250, `${JSON.stringify(unit)} 4000 characters long: ${took.toFixed(1)} ms`)
  }
})

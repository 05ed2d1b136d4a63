import t from 'tap'
import { extractWords } from '../../services/words.ts'
import { createRandom } from '../contracts/cast.ts'

const MIN = 4
const texts = (content: string, minLength = MIN) => extractWords(content, minLength).map(({ text }) => text)

t.test('words of every script', async t => {
  const messages: Array<[string, string[]]> = [
    ['The espresso here is wonderful', ['espresso', 'wonderful']],
    ['Grüße aus dem Café: der Käsekuchen ist köstlich!', ['grüße', 'café', 'käsekuchen', 'köstlich']],
    ['コーヒーを飲みます', ['コーヒー']],
    ['我喜欢喝咖啡', ['咖啡']],
    ['我也想喝拿铁', ['拿铁']],
    ['กาแฟอร่อย', ['กาแฟ', 'อร่อย']],
    ['커피 맛있어요', ['커피', '맛있어요']],
    ['قهوة عربية لذيذة وخبز', ['قهوة', 'عربية', 'لذيذة', 'وخبز']],
    ['خبز وشاي', ['خبز']],
    ['חלב עם קפה', ['חלב', 'קפה']],
    ['кофе очень вкусный', ['кофе', 'вкусный']],
    ['καφές και κρουασάν', ['καφές', 'κρουασάν']],
    ['कॉफी और चाय बहुत अच्छी', ['कॉफी', 'चाय']],
    ['च और ரொட்டி', ['ரொட்டி']]
  ]
  for (const [content, words] of messages) t.same(texts(content).filter(word => words.includes(word)), words, content)
})

t.test('what surrounds a word is no part of it', async t => {
  const messages: Array<[string, string[]]> = [
    ['espresso, cortado; (lungo) "mocha"... #latte!', ['latte', 'espresso', 'cortado', 'lungo', 'mocha']],
    ['espresso.Cortado', ['espresso', 'cortado']],
    ['☕espresso🥐 mocha™ 👩‍🍳latte', ['espresso', 'mocha', 'latte']],
    ['_flat_white_ mocha-latte', ['flat', 'white', 'mocha', 'latte']],
    ['l\'espresso d’Italie', ['espresso', 'italie']],
    ['the barista\'s cups AREN\'T clean', ['barista', 'cups', 'clean']],
    ['col·lecció', ['col·lecció']],
    ['ESPRESSO Espresso ｅｓｐｒｅｓｓｏ', ['espresso']],
    ['cafe\u0301', ['café']]
  ]
  for (const [content, words] of messages) t.same(texts(content), words, content)
})

t.test('what is no topic', async t => {
  const messages = [
    '', ' ', '☕ 🥐 👩‍👩‍👧', '12345 2024-10-10 3.14159', 'the and with would couldn\'t doesn’t', 'aber nicht sondern', 'pour avec dans', 'tea cup bar', 'お の は', 'ください',
    '🈁 🆗 ㊗️ 1️⃣ 🇫🇷 🔤', '@bernd @kenji_2', '#2024 #the #___ # #',
    'https://klatsch.example/espresso?cup=large#hot', 'see www.klatsch.example/espresso', 'ftp://klatsch.example', 'ann.barista@klatsch.example',
    'x'.repeat(41)
  ]
  for (const content of messages) t.same(texts(content), [], JSON.stringify(content))
})

t.test('what is said in every conversation', async t => {
  const messages = [
    'Hi everyone! Thanks, that sounds really good, see you tomorrow or maybe on Thursday', 'Yeah, I would have thought so. Does anybody need something?',
    'Moin zusammen, danke, klingt gut, bis morgen oder vielleicht Donnerstag', 'Ich weiß nicht, das finde ich eigentlich ganz schön',
    'Bonjour, merci beaucoup, à demain ou peut-être jeudi prochain', "C'est vraiment très bien, j'aime beaucoup cette chose",
    'Привет всем, спасибо, договорились, завтра или в четверг', 'Я не знаю, кажется, это очень хорошо',
    'مرحبا، شكراً جزيلاً، أراك غداً أو يوم الخميس', 'نعم، وأنا أيضاً أريد ذلك الآن',
    'नमस्ते दोस्तों, बहुत धन्यवाद, कल या शुक्रवार को', 'हाँ ठीक है, मुझे नहीं पता',
    'おはようございます!ありがとう、じゃあ明日か木曜日に', 'はい、とても楽しみです',
    '大家好,谢谢你们,明天或者周四见', '我觉得很好,我们也喜欢'
  ]
  for (const content of messages) t.same(texts(content), [], content)
})

t.test('a hashtag is one word, by the will of who wrote it', async t => {
  const messages: Array<[string, string[]]> = [
    ['#LatteArt and #flat_white', ['latteart', 'flat_white']],
    ['espresso #espresso', ['espresso']],
    ['#京都カフェ巡り #抹茶', ['京都カフェ巡り', '抹茶']],
    ['＃コーヒー　#कॉफी_टाइम', ['コーヒー', 'कॉफी_टाइम']],
    ['C# and#or issue#cortado', ['issue', 'cortado']],
    ['#tea #it #_mocha_', ['mocha']]
  ]
  for (const [content, words] of messages) t.same(texts(content), words, content)
})

t.test('forms of one word count once in a message, and share what is compared', async t => {
  t.same(extractWords('Croissants! A croissant, two croissants', MIN), [{ text: 'croissant', stem: 'croissant' }])
  t.same(extractWords('flat_white #flat_white #flatwhite', MIN).filter(({ stem }) => stem === 'flatwhite'), [{ text: 'flatwhite', stem: 'flatwhite' }])
})

t.test('lengths', async t => {
  t.same(texts('a to tea latte', 1).includes('tea'), true)
  t.same(texts('tea latte espresso', 5), ['latte', 'espresso'])
  t.same(texts('咖啡 カフェ', 9), ['咖啡', 'カフェ'], 'scripts in which a sign says more have their own bound')
  t.same(texts('東 咖啡', 1), ['東', '咖啡'], 'which is never above the other')
  t.same(texts('आम च خبز شا', 4), ['आम', 'خبز'])
  t.same(texts('आम च خبز شا', 1), ['आम', 'च', 'خبز', 'شا'])
  t.same(texts('one two\n'.repeat(500) + 'espresso'), [], 'the beginning of a long message')
  t.same(texts('𝒍𝒂𝒕𝒕𝒆', 6), [], 'of code points, not of UTF-16 units')
  t.same(texts('𝒍𝒂𝒕𝒕𝒆 latte', 5), ['latte'])
  t.same(texts('x'.repeat(40)), ['x'.repeat(40)])
})

t.test('a message made to cost much', async t => {
  const many = Array.from({ length: 500 }, (_, n) => `topic${n}`).join(' ')
  t.equal(extractWords(many, MIN).length, 50, 'a bounded number of words')
  for (const harmless of ['😀'.repeat(500), '👩‍👩‍👧'.repeat(70), 'x'.repeat(500), 'ा'.repeat(500), '_'.repeat(500)]) t.same(texts(harmless), [])
  for (const unit of ['a', '#', '#a', '@a', 'ا', '😀', 'و', 'ा', 'a.', 'a@', 'a://', '@', 'n\'t', 'é', '_', '咖']) {
    const start = process.hrtime.bigint()
    extractWords(unit.repeat(Math.floor(4000 / unit.length)), MIN)
    const took = Number(process.hrtime.bigint() - start) / 1e6
    t.ok(took < 250, `${JSON.stringify(unit)} 4000 characters long: ${took.toFixed(1)} ms`)
  }
})

t.test('where no dictionary is needed the short way finds what the segmenter finds', async t => {
  // A sign of a script without spaces makes it take the long way, and is no word itself.
  const isSame = (text: string) => JSON.stringify(extractWords(text, 4)) === JSON.stringify(extractWords(`${text} 的`, 4))
  const pieces = [
    "don't", 'isn’t', "can't.say", "don't3", '_don', 'espresso', 'Straße', 'café', 'naïve', 'кофе', 'ёлка', 'καφές', 'NaCl', 'R2D2', '2nd', '3,5kg', 'a.b', 'said.then',
    "l'espresso", 'rock’n’roll', 'flat_white', '__', '10:30', 'x:y', 'foo-bar', '#tag', '@ann', 'x²', '½', 'Ⅷ', 'www.a.b', '😀', ' ', ' ', ' ', ',', '.', '…', '—', '"', '(', "'", '’', '/', '\n'
  ]
  const { below, pick } = createRandom(1)
  const differing: string[] = []
  for (let count = 0; count < 3000; count++) {
    const text = Array.from({ length: 1 + below(12) }, () => pick(pieces)).join('')
    if (!isSame(text)) differing.push(text)
  }
  t.same(differing, [])
})

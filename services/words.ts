import * as stopword from 'stopword'
import type { Word } from './ports.ts'
import { stemOf } from './stems.ts'
import { lonelySigns, saidAnyway, topicsAfterAll } from './stop-words.ts'

// Scripts in which a word of two signs says as much as four letters: those without spaces between words, and Korean syllables.
const DENSE = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}ー々]+$/u
const DENSE_MIN = 2
// Japanese grammar, of which the segmenter leaves syllables over: さい, くだ.
const HIRAGANA = /^\p{Script=Hiragana}+$/u
const HIRAGANA_MIN = 3
// Scripts that leave vowels out or hang them on the letters: چای and חלב are whole words, and आम is two syllables of Hindi.
const DEVANAGARI = /^[\p{Script=Devanagari}\p{M}\u200c\u200d]+$/u
const DEVANAGARI_MIN = 2
const SPARING = /^[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Bengali}\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}\p{M}ـ\u200c\u200d]+$/u
const SPARING_MIN = 3
const MAX_WORD = 40
const MAX_WORDS = 50
// More pieces than a message of 500 characters has; finding them is what costs.
const MAX_PIECES = 1000
// Each part is tried from few places, so that a message made for it costs no more than another.
const LINK = /\b(?:[a-z][a-z0-9+.-]{0,15}:\/\/|www\.)\S+|(?<!\S)[^\s@]+@[^\s@]+\.[^\s@]+/giu
// Before the text is normalised: some pictures have letters inside, and would become them.
const PICTURE = /\p{Extended_Pictographic}/gu
/** `@ann` speaks to somebody. `#latte_art` is one word, by the will of who wrote it. */
const TAG = /(?<![\p{L}\p{M}\p{N}_])([#@])([\p{L}\p{M}\p{N}_]+)/gu
const NEGATION = /n['’]t$/iu
// To the segmenter `l'espresso`, `flat_white` and `said.then` are one word each. Joiners within a word are no end of it.
const BREAK = /[^\p{L}\p{M}\p{N}·\u200c\u200d]+/u

// Letters of Europe with spaces between words, and nothing that hangs on them: the segmenter, which costs most of the time, finds there
// what this finds.
const SPACED = /^[\0-\u00ac\u00ae-\u00b6\u00b8-\u02ff\u0370-\u0482\u048a-\u052f\u1e00-\u1fff\u2010-\u2027\u2030-\u2043\u2045-\u205f\u20a0-\u20cf]*$/
const RUN = /[\p{L}\p{N}_]+(?:(?:(?<=\p{L})['’.:](?=\p{L})|(?<=\p{N})['’.,;](?=\p{N}))[\p{L}\p{N}_]+)*/gu

const HAN = /^\p{Script=Han}$/u
/** What the dictionary of the segmenter takes for words: 三十, 二块; 到了, 不去, 很香. */
const PHRASE = /^(?:[一二三四五六七八九十百千万亿两半零〇]+[个块元张件次位号点分时年月日天楼岁折時]?|.了|[我你您她很挺不].)$/u
/** `and` is written as part of the next word. */
const ARABIC_AND = /^[وف](?=..)/u

const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' })

const fold = (word: string) => word.normalize('NFKC').toLowerCase()

const stopWords = new Set(
  [
    stopword.eng, stopword.deu, stopword.fra, stopword.spa, stopword.ita, stopword.por, stopword.nld, stopword.swe, stopword.dan, stopword.nob,
    stopword.fin, stopword.pol, stopword.ces, stopword.tur, stopword.rus, stopword.ukr, stopword.ell, stopword.ara, stopword.heb, stopword.fas,
    stopword.hin, stopword.ben, stopword.jpn, stopword.kor, stopword.zho, stopword.tha, stopword.vie, saidAnyway
  ].flat().map(fold)
)
for (const word of topicsAfterAll) stopWords.delete(word)
// What loses nothing in Hindi has no other forms: कल is yesterday, and कला is art.
const stopStems = new Set(saidAnyway.map(fold).filter(word => !/\p{Script=Devanagari}/u.test(word) || stemOf(word) !== word).map(stemOf))

/**
 * The words of a message that may be topics: of any script, lower case, without stop words, numbers, links and whom it speaks to;
 * each once, also if it comes in several forms.
 * @param minLength code points of the shortest word; scripts in which a sign says more than a letter have lower bounds of their own
 */
export function extractWords (content: string, minLength: number): Word[] {
  const words = new Map<string, Word>()
  const seen = new Set<string>()

  function take (text: string) {
    if (words.size >= MAX_WORDS || seen.has(text)) return
    seen.add(text)
    if (stopWords.has(text) || !isLongEnough(text, minLength)) return
    const stem = stemOf(text)
    if (isStopWord(text, stem)) return
    const other = words.get(stem)
    if (other === undefined || text.length < other.text.length) words.set(stem, { text, stem })
  }

  const text = content.replace(LINK, ' ').replace(PICTURE, ' ').normalize('NFKC').replace(TAG, (_, sign: string, tag: string) => {
    if (sign === '#') take(tag.toLowerCase().replace(/^_+|_+$/gu, ''))
    return ' '
  })
  let before = ''
  let pieces = 0
  for (const { segment, isWordLike } of findPieces(text)) {
    if (words.size >= MAX_WORDS || ++pieces > MAX_PIECES) break
    // A Chinese word that the segmenter does not know comes in single signs: 拿铁.
    const sign = HAN.test(segment) && !lonelySigns.has(segment) ? segment : ''
    if (before !== '' && sign !== '') take(before + sign)
    before = sign
    if (!isWordLike || NEGATION.test(segment)) continue
    for (const word of segment.toLowerCase().split(BREAK)) take(word)
  }
  return [...words.values()]
}

function * findPieces (text: string): Iterable<{ segment: string, isWordLike?: boolean | undefined }> {
  if (!SPACED.test(text)) return yield * segmenter.segment(text)
  for (const [segment] of text.matchAll(RUN)) yield { segment, isWordLike: true }
}

function isStopWord (word: string, stem: string): boolean {
  if (stopWords.has(word) || stopStems.has(stem) || PHRASE.test(word)) return true
  if (!ARABIC_AND.test(word)) return false
  const rest = word.replace(ARABIC_AND, '')
  return isStopWord(rest, stemOf(rest))
}

function isLongEnough (word: string, minLength: number): boolean {
  const length = [...word].length
  return length >= Math.min(shortestOf(word), minLength) && length <= MAX_WORD && /\p{L}/u.test(word)
}

function shortestOf (word: string): number {
  if (DENSE.test(word)) return HIRAGANA.test(word) ? HIRAGANA_MIN : DENSE_MIN
  if (DEVANAGARI.test(word)) return DEVANAGARI_MIN
  return SPARING.test(word) ? SPARING_MIN : Infinity
}

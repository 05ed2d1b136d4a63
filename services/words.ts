import * as stopword from 'stopword'

// Scripts in which a word of two signs says as much as four letters: those without spaces between words, and Korean syllables.
const DENSE = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}ー々]+$/u
const DENSE_MIN = 2
// Japanese grammar, of which the segmenter leaves syllables over: さい, くだ.
const HIRAGANA = /^\p{Script=Hiragana}+$/u
const HIRAGANA_MIN = 3
const MAX_WORD = 40
const MAX_WORDS = 50
// Each part is tried from few places, so that a message made for it costs no more than another.
const LINK = /\b(?:[a-z][a-z0-9+.-]{0,15}:\/\/|www\.)\S+|(?<!\S)[^\s@]+@[^\s@]+\.[^\s@]+/giu
const NEGATION = /n['’]t$/iu
// To the segmenter `l'espresso`, `flat_white` and `said.then` are one word each. Joiners within a word are no end of it.
const BREAK = /[^\p{L}\p{M}\p{N}·\u200c\u200d]+/u

const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' })

const STOP_WORDS = new Set(
  [
    stopword.eng, stopword.deu, stopword.fra, stopword.spa, stopword.ita, stopword.por, stopword.nld, stopword.swe, stopword.dan, stopword.nob,
    stopword.fin, stopword.pol, stopword.ces, stopword.tur, stopword.rus, stopword.ukr, stopword.ell, stopword.ara, stopword.heb, stopword.fas,
    stopword.hin, stopword.ben, stopword.jpn, stopword.kor, stopword.zho, stopword.tha, stopword.vie
  ].flat().map(word => word.normalize('NFKC').toLowerCase())
)

/**
 * The words of a message that may be topics: of any script, lower case, each once, without stop words, numbers and links.
 * @param minLength code points of the shortest word; in scripts where a sign says more than a letter, two are enough
 */
export function extractWords (content: string, minLength: number): string[] {
  const words = new Set<string>()
  for (const { segment, isWordLike } of segmenter.segment(content.normalize('NFKC').replace(LINK, ' '))) {
    if (!isWordLike || NEGATION.test(segment)) continue
    for (const word of segment.toLowerCase().split(BREAK)) {
      if (words.size < MAX_WORDS && isTopic(word, minLength)) words.add(word)
    }
  }
  return [...words]
}

function isTopic (word: string, minLength: number): boolean {
  const length = [...word].length
  const shortest = DENSE.test(word) ? Math.min(HIRAGANA.test(word) ? HIRAGANA_MIN : DENSE_MIN, minLength) : minLength
  return length >= shortest && length <= MAX_WORD && /\p{L}/u.test(word) && !STOP_WORDS.has(word)
}

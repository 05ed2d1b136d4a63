import * as stopword from 'stopword'

// Scripts that put no spaces between words: a word of two signs says as much as four letters.
const UNSPACED = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}ー々]+$/u
const UNSPACED_MIN = 2
const MAX_WORD = 40
const MAX_WORDS = 50
const LINK = /\bhttps?:\/\/\S+/giu

const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' })

const STOP_WORDS = new Set(
  [
    stopword.eng, stopword.deu, stopword.fra, stopword.spa, stopword.ita, stopword.por, stopword.nld, stopword.swe, stopword.dan, stopword.nob,
    stopword.fin, stopword.pol, stopword.ces, stopword.tur, stopword.rus, stopword.ukr, stopword.ell, stopword.ara, stopword.heb, stopword.fas,
    stopword.hin, stopword.ben, stopword.jpn, stopword.zho, stopword.tha, stopword.vie
  ].flat().map(word => word.toLowerCase())
)

/**
 * The words of a message that may be topics: of any script, lower case, each once, without stop words, numbers and links.
 * @param minLength code points of the shortest word in scripts with spaces
 */
export function extractWords (content: string, minLength: number): string[] {
  const words = new Set<string>()
  for (const { segment, isWordLike } of segmenter.segment(content.normalize('NFC').replace(LINK, ' '))) {
    if (!isWordLike || words.size >= MAX_WORDS) continue
    const word = segment.toLowerCase().replace(/['’].*$/u, '')
    const length = [...word].length
    const shortest = UNSPACED.test(word) ? Math.min(UNSPACED_MIN, minLength) : minLength
    if (length < shortest || length > MAX_WORD || !/\p{L}/u.test(word) || STOP_WORDS.has(word)) continue
    words.add(word)
  }
  return [...words]
}

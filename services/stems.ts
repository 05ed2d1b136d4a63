/*
 * What different forms of one word have in common. A stem is compared and never shown, so it need not be a word; a rule may only
 * be too weak (two forms count apart) or, rarely, join two words that look alike and are said in the same hour.
 */

/** Letters left when an ending is taken off. */
const LATIN_REST = 4
const CYRILLIC_REST = 3
const ARABIC_REST = 3
const DEVANAGARI_REST = 2

const LATIN = /^[\p{Script=Latin}\p{M}\p{N}_]+$/u
const CYRILLIC = /^\p{Script=Cyrillic}+$/u
const ARABIC = /^[\p{Script_Extensions=Arabic}\p{M}]+$/u
const DEVANAGARI = /^[\p{Script=Devanagari}\u200c\u200d]+$/u

/** Plurals of English, French and Spanish; of German those in -n. */
const PLURAL = /(?<![siu])s$|(?<=[ae]u)x$|(?<=e)n$/u
/** `boxe` and `quiche` once the s is gone, `cookie` beside `cookies`, `pastrie` beside `pastry`. */
const SILENT_E = /(?<=ch|sh|x|z|i)e$/u
const FINAL_Y = /(?<=[^aeiou])y$/u

/** Cases and plurals of Russian nouns, and of adjectives, the longest first. */
const CASES = /(?:иями|ями|ами|ыми|ими|ией|иям|иях|ого|его|ому|ему|ая|яя|ое|ее|ые|ие|ую|юю|ый|ий|ой|ым|им|ых|их|ях|ах|ям|ам|ов|ев|ёв|ей|ом|ем|ём|ёй|ью|ия|ию|ии|[аяыиуюеёоьй])$/u

const ARTICLE = /^[وف]?(?:ال|بال|كال|لل)/u
const ALEF = /[أإآٱ]/gu
/** Vowel signs, which few write, and the stroke that stretches a word. */
const VOWELLED = /[\u064b-\u065f\u0670\u0640]/gu

const NUKTA = /\u093c/gu
const OBLIQUE = /(?:ियों|ियाँ|ियां|ाओं|ाएँ|ाएं|ों|ें|[ािीेो])$/u

/** The part of a word that its forms share. Lower case in, and the word itself where no rule is known. */
export function stemOf (word: string): string {
  const plain = word.replaceAll('_', '')
  if (LATIN.test(plain)) return stemLatin(plain)
  if (CYRILLIC.test(plain)) return strip(plain, CASES, CYRILLIC_REST)
  if (ARABIC.test(plain)) return stemArabic(plain)
  if (DEVANAGARI.test(plain)) return strip(plain.normalize('NFD').replace(NUKTA, ''), OBLIQUE, DEVANAGARI_REST)
  return plain
}

function stemLatin (word: string): string {
  const singular = strip(word, PLURAL, LATIN_REST)
  return strip(singular, SILENT_E, LATIN_REST).replace(FINAL_Y, 'i')
}

function stemArabic (word: string): string {
  const plain = word.replace(VOWELLED, '').replace(ALEF, 'ا').replace(/ى$/u, 'ي').replace(/ة$/u, 'ه')
  return strip(plain, ARTICLE, ARABIC_REST)
}

function strip (word: string, part: RegExp, rest: number): string {
  const left = word.replace(part, '')
  return left.length >= rest ? left : word
}

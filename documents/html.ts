/** Text that is HTML already. */
export interface Html { html: string }

type Part = Html | string | number | undefined | Part[]

const signs: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

const escape = (text: string) => text.replace(/[&<>"']/g, sign => signs[sign]!)

function render (part: Part): string {
  if (part === undefined) return ''
  if (Array.isArray(part)) return part.map(render).join('')
  return typeof part === 'object' ? part.html : escape(String(part))
}

/** A template whose parts are escaped, but for those that are HTML themselves. Lists are joined, `undefined` is nothing. */
export function html (strings: TemplateStringsArray, ...parts: Part[]): Html {
  return { html: String.raw({ raw: strings }, ...parts.map(render)) }
}

/** Prose with `code` between backticks; blank lines part its paragraphs. */
export function prose (text: string): Html[] {
  return text.split(/\n{2,}/).map(paragraph => html`<p>${inline(paragraph)}</p>`)
}

/** One line of it. */
export const inline = (text: string): Html[] =>
  text.split('`').map((part, index) => index % 2 === 1 ? html`<code>${part}</code>` : html`${part}`)

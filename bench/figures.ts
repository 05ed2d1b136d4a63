/** What a row of the bench finds: a Markdown table, and a chart where something grows. */
export interface Result { table: string, chart?: Chart }

/** Of several rounds. */
export interface Figure { median: number, least: number, most: number }

/** A curve for each series, with the least and the greatest of all rounds at each point. */
export interface Chart {
  /** What grows, on a logarithmic axis. */
  x: string
  /** What it costs, from 0 on. */
  y: string
  points: Array<Figure & { series: string, x: number }>
}

export function summarise (values: number[]): Figure {
  const sorted = values.toSorted((a, b) => a - b)
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)]!, sorted[Math.ceil((sorted.length - 1) / 2)]!]
  return { median: (low + high) / 2, least: sorted[0]!, most: sorted.at(-1)! }
}

export function percentile (values: number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * share) - 1)] ?? Number.NaN
}

const short = (value: number) => value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)

/** Such as `3.12 (2.98 to 3.40)`. */
export const show = ({ median, least, most }: Figure) => `${short(median)} (${short(least)} to ${short(most)})`

/** A Markdown table. */
export function table (head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

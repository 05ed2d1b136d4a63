import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'
import type { Chart } from './figures.ts'

/** @returns SVG, dark on white wherever it is looked at */
export function draw ({ x, y, points }: Chart): string {
  const { document } = parseHTML('<html></html>')
  const ticks = [...new Set(points.map(({ x }) => x))]
  const series = [...new Set(points.map(({ series }) => series))]
  const svg = Plot.plot({
    // Its types know the browser's only.
    document: document as never,
    width: 640,
    height: 360,
    marginLeft: 50,
    marginRight: 40,
    marginBottom: 50,
    style: { background: 'white', color: '#333', fontSize: '12px' },
    x: { type: 'log', axis: null },
    y: { label: y, zero: true, nice: true, grid: true, ticks: 6 },
    color: { scheme: 'Observable10' },
    marks: [
      // As text: a formatter is not asked for every tick of a logarithmic axis.
      Plot.axisX(ticks, { label: x, labelOffset: 42, text: ticks.map(tick => tick.toLocaleString('en')) }),
      Plot.gridX(ticks),
      Plot.ruleY([0]),
      Plot.ruleX(points, { x: 'x', y1: 'least', y2: 'most', stroke: 'series' }),
      Plot.lineY(points, { x: 'x', y: 'median', stroke: 'series', marker: true }),
      // One above the other: curves may end in the same point.
      ...series.map((name, index) => Plot.text(points.filter(({ series }) => series === name),
        Plot.selectLast({ x: 'x', y: 'median', text: 'series', fill: 'series', stroke: 'white', strokeWidth: 5, dx: -8, dy: -14 * (index + 1), textAnchor: 'end' })))
    ]
  })
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  return svg.outerHTML + '\n'
}

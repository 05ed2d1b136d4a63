import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'
import type { Chart } from './figures.ts'

/** @returns SVG, dark on white wherever it is looked at */
export function draw ({ x, y, points }: Chart): string {
  const { document } = parseHTML('<html></html>')
  const svg = Plot.plot({
    // Its types know the browser's only.
    document: document as never,
    width: 640,
    height: 360,
    marginLeft: 50,
    style: { background: 'white', color: '#333', fontSize: '12px' },
    x: { type: 'log', label: x, grid: true, ticks: [...new Set(points.map(({ x }) => x))], tickFormat: ',' },
    y: { label: y, zero: true, grid: true },
    color: { scheme: 'Observable10' },
    marks: [
      Plot.ruleY([0]),
      Plot.ruleX(points, { x: 'x', y1: 'least', y2: 'most', stroke: 'series' }),
      Plot.lineY(points, { x: 'x', y: 'median', stroke: 'series', marker: true }),
      Plot.text(points, Plot.selectLast({ x: 'x', y: 'median', z: 'series', text: 'series', fill: 'series', dx: -8, dy: -12, textAnchor: 'end' }))
    ]
  })
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  return svg.outerHTML + '\n'
}

// Results as people read them.
import { median, metricsOf, type Outcome, type Sample, valuesOf } from './harness.ts'

export function table({ result, samples, caption, notes }: Outcome): string {
  const metrics = metricsOf([result.ours, result.stock, ...Object.values(result.rivals)])
  const rows = [
    [result.name, 'ours', 'stock', 'ours : stock'],
    ...metrics.map((metric) => [
      metric,
      cell(samples.ours, metric),
      cell(samples.stock, metric),
      ratio(result.ours[metric], result.stock[metric])
    ])
  ]
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const lines = rows.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column]!))
      .join('  ')
      .trimEnd()
  )
  return [...lines, caption ?? `medians (smallest..largest) of ${result.runs} runs`, ...notes].join('\n')
}

function cell(samples: readonly Sample[], metric: string): string {
  const values = valuesOf(samples, metric)
  if (values.length === 0) return '-'
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const middle = number(median(values))
  if (low === high) return middle
  return `${middle} (${number(low)}..${number(high)}${values.length === samples.length ? '' : `, ${values.length} runs`})`
}

function number(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: 1 })
}

function ratio(ours: number | undefined, stock: number | undefined): string {
  if (ours == null || stock == null || stock === 0) return '-'
  return (ours / stock).toFixed(2)
}

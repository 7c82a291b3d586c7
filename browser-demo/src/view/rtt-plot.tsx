import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import type { Peer } from '../model/peer.ts'
import type { RttColumns } from '../model/rtt-series.ts'
import { rttInWords } from '../model/words.ts'

const HEIGHT_PX = 112

/** The picture grows with what there is, from here to two minutes. */
const MIN_WINDOW_S = 30

/** Round-trip times of the last two minutes: a picture, and the same in words. */
export function RttPlot({ peer }: { peer: Peer }) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  const { rtt } = peer.figures.value

  useEffect(() => {
    const root = box.current
    if (root == null) return
    const draw = (): void => {
      plot.current?.destroy()
      plot.current = new uPlot(options(root), data(peer.figures.peek().rtt), root)
    }
    draw()
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: root.clientWidth, height: HEIGHT_PX }))
    resized.observe(root)
    // A canvas does not follow the style sheet by itself.
    const dark = matchMedia('(prefers-color-scheme: dark)')
    dark.addEventListener('change', draw)
    return () => {
      dark.removeEventListener('change', draw)
      resized.disconnect()
      plot.current?.destroy()
    }
  }, [peer])

  useEffect(() => plot.current?.setData(data(rtt)), [rtt])

  return (
    <section class="rtt" aria-label="Round-trip time">
      <h4>Round-trip time</h4>
      <p class="legend" data-testid="rtt">
        <span data-status="direct">direct {words(rtt.directMs)}</span>
        <span data-status="relayed">relayed {words(rtt.relayedMs)}</span>
      </p>
      <div ref={box} class="plot" aria-hidden="true" />
    </section>
  )
}

/** Now, and the bounds of what the picture shows. */
function words(column: RttColumns['directMs']): string {
  const measured = column.filter((ms) => ms != null)
  const now = column.at(-1)
  if (measured.length === 0) return 'none'
  const bounds = `${bareMs(Math.min(...measured))} to ${rttInWords(Math.max(...measured))}`
  return now == null ? `none now, ${bounds} before` : `${rttInWords(now)}, ${bounds}`
}

const bareMs = (ms: number): string => rttInWords(ms).replace(' ms', '')

function data({ secondsAgo, directMs, relayedMs }: RttColumns): uPlot.AlignedData {
  return [secondsAgo, directMs, relayedMs]
}

function options(root: HTMLElement): uPlot.Options {
  const style = getComputedStyle(root)
  const colour = (name: string): string => style.getPropertyValue(name).trim()
  const axis = {
    stroke: colour('--quiet'),
    font: '12px system-ui, sans-serif',
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false }
  }
  const series = { width: 2, points: { show: false }, spanGaps: false }
  return {
    width: root.clientWidth,
    height: HEIGHT_PX,
    padding: [8, 12, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: (_plot, oldest) => [Math.min(oldest ?? 0, -MIN_WINDOW_S), 0] },
      y: { range: (_plot, _min, max) => [0, Math.max(1, (max ?? 1) * 1.2)] }
    },
    axes: [
      { ...axis, size: 24, space: 56, values: (_plot, at) => at.map(secondsInWords) },
      { ...axis, size: 52, space: 28, values: (_plot, ms) => ms.map((value) => `${value} ms`) }
    ],
    series: [{}, { ...series, stroke: colour('--direct') }, { ...series, stroke: colour('--relayed'), dash: [6, 4] }]
  }
}

function secondsInWords(secondsAgo: number): string {
  return secondsAgo === 0 ? 'now' : `${secondsAgo} s`.replace('-', '−')
}

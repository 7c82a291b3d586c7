import type { Peer } from '../model/peer.ts'
import { totals, visibleBands } from '../model/timeline.ts'
import { durationInWords } from '../model/words.ts'

/** What the link was over time, and why it changed: as bands to look at, as a list to read. */
export function Timeline({ peer }: { peer: Peer }) {
  const { now } = peer.figures.value
  const bands = visibleBands(peer.bands.value, now)
  const changes = peer.changes.value
  const latest = peer.bands.value.at(-1)
  const sums = totals(bands).map(({ status, ms }) => ({ status, words: `${status} ${durationInWords(ms)}` }))
  return (
    <section class="timeline" aria-label="Timeline">
      <h4>Timeline</h4>
      <div class="bands" role="img" aria-label={`Of the last 5 minutes: ${sums.map(({ words }) => words).join(', ')}`}>
        {bands.map((band) => (
          <span
            key={band.from}
            class="band"
            data-testid="band"
            data-status={band.status}
            style={{ flexGrow: band.shownMs }}
            title={`${band.status} since ${new Date(band.from).toLocaleTimeString()}: ${band.cause}`}
          >
            <span class="band-label">{band.status}</span>
          </span>
        ))}
      </div>
      <ul class="legend" data-testid="legend">
        {sums.map(({ status, words }) => (
          <li key={status} data-status={status}>
            {words}
          </li>
        ))}
      </ul>
      {latest != null && (
        <p class="latest quiet" data-testid="latest-cause">
          {latest.status} since <Time at={latest.from} />: {latest.cause}
        </p>
      )}
      <details>
        <summary>What happened to this link ({changes.length})</summary>
        <ol class="changes" data-testid="changes">
          {changes.map(({ id, at, text }) => (
            <li key={id} data-testid="change">
              <Time at={at} /> {text}
            </li>
          ))}
        </ol>
      </details>
    </section>
  )
}

function Time({ at }: { at: number }) {
  const date = new Date(at)
  return <time dateTime={date.toISOString()}>{date.toLocaleTimeString()}</time>
}

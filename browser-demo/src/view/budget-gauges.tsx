import { useId } from 'preact/hooks'
import type { Gauge } from '../model/budgets.ts'
import type { Peer } from '../model/peer.ts'
import { bytesInWords, durationInWords, pathName } from '../model/words.ts'

/** What limited relays leave of their paths. */
export function BudgetGauges({ peer }: { peer: Peer }) {
  return peer.figures.value.budgets.map(({ id, path, bytes, ms }) => (
    <section key={id} data-testid="budget" aria-label={`What ${pathName(path)} leaves`}>
      <h4>What {pathName(path)} leaves</h4>
      <div class="gauges">
        {bytes != null && <Meter name="Bytes" gauge={bytes} words={bytesInWords} />}
        {ms != null && <Meter name="Time" gauge={ms} words={durationInWords} />}
      </div>
    </section>
  ))
}

function Meter({ name, gauge, words }: { name: string; gauge: Gauge; words: (amount: number) => string }) {
  const id = useId()
  const text = `${words(gauge.remaining)} of ${words(gauge.first)} left`
  return (
    <div>
      <label for={id}>
        {name}: <span>{text}</span>
      </label>
      <meter
        id={id}
        min={0}
        max={Math.max(1, gauge.first)}
        low={gauge.first / 4}
        high={gauge.first / 2}
        optimum={gauge.first}
        value={gauge.remaining}
      >
        {text}
      </meter>
    </div>
  )
}

import type { PeerId } from '@libp2p/interface'
import type { Chaos } from './model.ts'

interface LedgerViewProps {
  readonly chaos: Chaos
  readonly peer: PeerId
}

const bytes = (count: number): string => count.toLocaleString('en')

/** Sent here, reported by the other side: nothing in it is assumed. */
export function LedgerView({ chaos, peer }: LedgerViewProps) {
  const { totals, lines, isPaused, trouble, earlierUnconfirmedBytes } = chaos.of(peer)
  const { sentBytes, arrivedBytes, inFlightBytes, lostBytes, repeatedBytes, reorderedBytes, isAltered } = totals.value
  const isWell = lostBytes + repeatedBytes + reorderedBytes === 0 && !isAltered

  return (
    <div class="ledger">
      <p class="bytes-lost" data-well={isWell}>
        Bytes lost:{' '}
        <output data-testid="bytes-lost" aria-live={lostBytes === 0 ? 'off' : 'assertive'}>
          {bytes(lostBytes)}
        </output>
      </p>
      <p>
        <small>
          Counted, not claimed: 50 numbered messages a second of different sizes, with a running SHA-256, against what
          the other side reports.
        </small>
      </p>
      <div class="scrolls">
        <table>
          <thead>
            <tr>
              <th scope="col">in bytes</th>
              <th scope="col">sent</th>
              <th scope="col">arrived</th>
              <th scope="col">in flight</th>
            </tr>
          </thead>
          <tbody>
            <tr data-testid="ledger-pulse">
              <th scope="row">pulse</th>
              <td data-testid="ledger-sent">{bytes(sentBytes)}</td>
              <td data-testid="ledger-arrived">{bytes(arrivedBytes)}</td>
              <td data-testid="ledger-in-flight">{bytes(inFlightBytes)}</td>
            </tr>
            {lines.value.map(({ name, ...line }) => (
              <tr key={name} data-testid={`ledger-${name}`}>
                <th scope="row">{name}</th>
                <td>{bytes(line.sentBytes)}</td>
                <td>{bytes(line.arrivedBytes)}</td>
                <td>{bytes(Math.max(0, line.sentBytes - line.arrivedBytes))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p data-testid="ledger-verdict">
        Repeated: {bytes(repeatedBytes)}, out of order: {bytes(reorderedBytes)}.{' '}
        {isAltered
          ? 'The digests differ: something arrived changed.'
          : arrivedBytes > 0 && isWell && 'The digests of both ends are equal.'}
      </p>
      {earlierUnconfirmedBytes.value > 0 && (
        <p>
          <small>{bytes(earlierUnconfirmedBytes.value)} more were on their way when an earlier link ended.</small>
        </p>
      )}
      {trouble.value !== '' && <p class="mistake">{trouble}</p>}
      <label>
        <input
          type="checkbox"
          role="switch"
          aria-checked={isPaused.value}
          checked={isPaused.value}
          onChange={({ currentTarget }) => chaos.pause(peer, currentTarget.checked)}
        />{' '}
        Pause the messages: then sent and arrived have to become equal
      </label>
    </div>
  )
}

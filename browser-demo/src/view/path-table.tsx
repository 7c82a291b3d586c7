import type { PathInfo } from 'libp2p-holdfast'
import type { Peer } from '../model/peer.ts'
import type { Bytes } from '../model/traffic.ts'
import { bytesInWords, kinds, pathName, roles, rttInWords } from '../model/words.ts'

/** Bytes by path; those of closed paths stay in sums. */
export function PathTable({ peer }: { peer: Peer }) {
  const { paths, closedPaths, total } = peer.figures.value
  return (
    <section class="paths" aria-label="Paths and bytes">
      <h4>Paths and bytes</h4>
      <table data-testid="paths">
        <thead>
          <tr>
            <th scope="col">Path</th>
            <th scope="col">Round trip</th>
            <th scope="col">Out</th>
            <th scope="col">In</th>
          </tr>
        </thead>
        <tbody>
          {paths.map((path) => (
            <PathRow key={path.id} path={path} />
          ))}
          {closedPaths.map((closed) => (
            <tr key={closed.kind} class="quiet" data-testid="closed-paths" data-kind={closed.kind}>
              <th scope="row">
                {kinds[closed.kind]} <small>{closed.count === 1 ? 'closed' : `closed, ${closed.count} paths`}</small>
              </th>
              <td>–</td>
              <BytesCells bytes={closed} />
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr data-testid="total-bytes">
            <th scope="row">Together</th>
            <td />
            <BytesCells bytes={total} />
          </tr>
        </tfoot>
      </table>
    </section>
  )
}

function PathRow({ path }: { path: PathInfo }) {
  return (
    <tr data-testid="path" data-kind={path.kind} data-role={path.role} title={path.remoteAddr.toString()}>
      <th scope="row">
        <span data-status={path.kind === 'relayed' ? 'relayed' : 'direct'}>{pathName(path)}</span>{' '}
        <small>{roles[path.role]}</small>
      </th>
      <td>{rttInWords(path.rttMs)}</td>
      <BytesCells bytes={path} />
    </tr>
  )
}

function BytesCells({ bytes: { sentBytes, receivedBytes } }: { bytes: Bytes }) {
  return (
    <>
      <td>{bytesInWords(sentBytes)}</td>
      <td>{bytesInWords(receivedBytes)}</td>
    </>
  )
}

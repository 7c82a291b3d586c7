import type { CircuitRelayServerComponents } from '@libp2p/circuit-relay-v2'
import type { Connection, PeerId } from '@libp2p/interface'
import { expect, it } from 'vitest'
import { newestFirst } from '../../../relay-server/newest-first.ts'

it('circuits to a peer that connected again go over its newest connection; all else is as it was', () => {
  const connections = [1_000, 3_000, 2_000].map((open) => ({ timeline: { open } }) as Connection)
  const asked: unknown[] = []
  const connectionManager = {
    getConnections: (peer: PeerId) => {
      asked.push(peer)
      return [...connections]
    },
    getMaxConnections() {
      return this === connectionManager ? 7 : Number.NaN
    }
  }
  const components = { connectionManager, peerId: 'ours' } as unknown as CircuitRelayServerComponents
  const changed = newestFirst(components)
  const peer = 'theirs' as unknown as PeerId
  expect(changed.connectionManager.getConnections(peer).map(({ timeline }) => timeline.open)).toEqual([
    3_000, 2_000, 1_000
  ])
  expect(asked).toEqual([peer])
  expect(changed.connectionManager.getMaxConnections()).toBe(7)
  expect(changed.peerId).toBe('ours')
})

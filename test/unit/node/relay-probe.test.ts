// A probe that fails costs every link that runs through the relay: it fails for one reason only, that nobody answers.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Libp2p } from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { expect, it, onTestFinished } from 'vitest'
import { probeRelay } from '../../../src/node/relay-probe.ts'

async function startNode(): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: { ping: ping() }
  })
  onTestFinished(async () => {
    await node.stop()
  })
  return node as unknown as Libp2p
}

it('many dials at once that wait for their peers find the relay alive', async () => {
  const [node, relay] = [await startNode(), await startNode()]
  const connection = await node.dial(relay.getMultiaddrs())
  const signal = AbortSignal.timeout(5_000)
  const probes = await Promise.allSettled(Array.from({ length: 20 }, () => probeRelay(connection, { signal })))
  expect(probes.filter(({ status }) => status === 'rejected')).toEqual([])
})

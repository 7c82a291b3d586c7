// A process that is busy for a moment finds what its peers said meanwhile waiting for it: that was no silence.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { peerIdFromString } from '@libp2p/peer-id'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startNode } from '../support/nodes.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { ECHO } from '../support/transfer.ts'
import { waitFor } from '../support/wait-for.ts'

const STALLS = 20

/** Above three times the shortest time after which silence is suspicious. */
const STALL_MS = 700

let relay: TestRelay
let peer: ChildProcess
let peerId: string

beforeAll(async () => {
  relay = await startRelay()
  const program = fileURLToPath(new URL('../support/echo-program.ts', import.meta.url))
  // The sources have syntax that Node by itself does not strip.
  const flags = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning']
  const child = spawn(process.execPath, [...flags, program, ...relay.multiaddrs], {
    stdio: ['pipe', 'pipe', 'inherit']
  })
  peer = child
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  peerId = line
})

afterAll(async () => {
  peer?.kill('SIGKILL')
  await relay?.stop()
})

/** As garbage collection and long computations do. */
function stall(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

it('stalls of our own move nothing off the direct path', async () => {
  const node = await startNode({ relays: relay.multiaddrs })
  const link = await node.services.links.dial(peerIdFromString(peerId))
  await link.whenDirect({ signal: AbortSignal.timeout(20_000) })
  const stream = await link.connection.newStream(ECHO)
  const bytes = new Uint8Array(32)
  const echoed = waitFor(stream, 'message')
  stream.send(bytes)
  await echoed

  const moves: string[] = []
  link.addEventListener('path:select', ({ detail: { path, cause } }) => moves.push(`to ${path.kind}: ${cause}`))
  for (let i = 0; i < STALLS; i++) {
    const echoed = waitFor(stream, 'message')
    stream.send(bytes)
    // It has left when the stall begins.
    await new Promise(setImmediate)
    stall(STALL_MS)
    await echoed
  }
  expect(moves).toEqual([])
  expect(link.state.status).toBe('direct')
})

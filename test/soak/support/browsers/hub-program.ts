// The Node peer of several pages: hashes what each sends, answers what each says, and tells how far each is.
import { createHash } from 'node:crypto'
import type { Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { createNode, type HoldfastNode } from '../../../../src/index.ts'
import { serve } from '../many/program.ts'

/** As the test page has them. */
const ECHO = '/holdfast-test/echo/1.0.0'
const BULK = '/holdfast-test/bulk/1.0.0'

const SAMPLE_MS = 50

export interface Sample {
  /** Milliseconds since the hub started. */
  readonly atMs: number
  /** By PeerId, since the page began to send. */
  readonly bytes: Readonly<Record<string, number>>
}

export interface Progress {
  /** When the hub started, in milliseconds since the Unix epoch. */
  readonly timeOriginMs: number
  readonly samples: readonly Sample[]
  readonly cpuMs: number
}

let node: HoldfastNode
const bytes: Record<string, number> = {}
const sha256: Record<string, string> = {}
const samples: Sample[] = []
const lost: string[] = []

const handlers = {
  async start({ relays }: { relays: string[] }): Promise<string> {
    node = await createNode({ relays })
    node.services.links.addEventListener('link:state', ({ detail: { link, state, cause } }) => {
      if (state.status === 'recovering') lost.push(`${link.remotePeer}: ${cause}`)
    })
    await node.handle(ECHO, answer)
    await node.handle(BULK, async (stream, { remotePeer }) => {
      const peer = remotePeer.toString()
      const hash = createHash('sha256')
      bytes[peer] = 0
      for await (const chunk of stream) {
        const data = chunk.subarray()
        hash.update(data)
        bytes[peer] += data.byteLength
      }
      sha256[peer] = hash.digest('hex')
    })
    setInterval(sample, SAMPLE_MS)
    return node.peerId.toString()
  },

  /** Resolves when this peer has sent so many. */
  async received({ peer, bytes: wanted }: { peer: string; bytes: number }): Promise<number> {
    while ((bytes[peer] ?? 0) < wanted) await new Promise((resolve) => setTimeout(resolve, 2))
    return performance.now()
  },

  /** Resolves with the hash of all that this peer sent, when it has ended its stream. */
  async done(peer: string): Promise<string> {
    for (;;) {
      const hash = sha256[peer]
      if (hash != null) return hash
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  },

  progress(): Progress {
    sample()
    const { user, system } = process.cpuUsage()
    return { timeOriginMs: performance.timeOrigin, samples, cpuMs: (user + system) / 1_000 }
  },

  /** Links that were `recovering`, with the cause. */
  lost(): string[] {
    return lost
  }
}

function sample(): void {
  samples.push({ atMs: performance.now(), bytes: { ...bytes } })
}

async function answer(stream: Stream): Promise<void> {
  const messages = lpStream(stream)
  try {
    for (;;) await messages.write(await messages.read())
  } catch {
    // The page has ended, or was killed.
  }
}

export type HubProgram = typeof handlers
serve(handlers)

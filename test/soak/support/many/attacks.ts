// What hostile peers do, each for as long as its process lives.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Frame } from '../../../../src/wire/index.ts'
import type { RawPath, RawPeer } from '../../../support/raw-peer.ts'
import { SINK } from './protocols.ts'

/**
 * - `garbage`: links, sends what no session sends, is cut off, links again
 * - `pings`: as many questions as its carrier takes
 * - `crumbs`: a stream in pieces of one byte, within its credit
 * - `opens`: opens streams for protocols that nobody speaks, 500 at a time
 * - `silent`: links, and says nothing from then on
 * - `reconnects`: links and vanishes, again and again
 */
export type Attack = 'garbage' | 'pings' | 'crumbs' | 'opens' | 'silent' | 'reconnects'

/** Frames per carrier message. */
const BATCH = 500

/** An attacker that was turned away tries again after this. */
const RETRY_MS = 20

export const attacks: Record<Attack, (peer: RawPeer) => Promise<void>> = {
  garbage: (peer) =>
    again(peer, async (path) => {
      path.bytes(crypto.getRandomValues(new Uint8Array(60_000)))
      await path.ended()
    }),

  pings: (peer) =>
    again(peer, async (path) => {
      const batch = Array.from({ length: BATCH }, (_, nonce): Frame => ({ type: 'ping', nonce }))
      while (path.isOpen) {
        path.send(...batch)
        await path.room()
      }
    }),

  crumbs: (peer) =>
    again(peer, async (path) => {
      const stream = peer.side
      const head = negotiation(SINK)
      let credit = 1_048_576
      let offset = head.byteLength
      path.onFrame((frame) => {
        if (frame.type === 'maxStreamData' && frame.stream === stream) credit = frame.max
      })
      path.send({ type: 'stream', stream, offset: 0, fin: false, data: head })
      const data = new Uint8Array(1)
      while (path.isOpen) {
        const batch: Frame[] = []
        for (; batch.length < BATCH && offset < credit; offset++) {
          batch.push({ type: 'stream', stream, offset, fin: false, data })
        }
        if (batch.length > 0) path.send(...batch)
        await path.room()
      }
    }),

  opens: (peer) =>
    again(peer, async (path) => {
      const data = negotiation('/nobody/speaks/this/1.0.0')
      const open = new Set<number>()
      let next = peer.side as number
      path.onFrame((frame) => {
        if (frame.type === 'reset' || (frame.type === 'stream' && frame.fin)) open.delete(frame.stream)
      })
      while (path.isOpen) {
        const batch: Frame[] = []
        for (; open.size < BATCH; next += 2) {
          open.add(next)
          batch.push({ type: 'stream', stream: next, offset: 0, fin: true, data })
        }
        if (batch.length > 0) path.send(...batch)
        await path.room()
      }
    }),

  silent: (peer) =>
    again(peer, async (path) => {
      path.mute()
      await path.ended()
    }),

  reconnects: async (peer) => {
    for (;;) {
      await peer.attached().catch(() => sleep(RETRY_MS))
      peer.vanish()
    }
  }
}

/** One session after the other. */
async function again(peer: RawPeer, act: (path: RawPath) => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await act(await peer.attached())
    } catch {
      await sleep(RETRY_MS)
    }
  }
}

/** Both lines of multistream-select at once. */
function negotiation(protocol: string): Uint8Array {
  const lines = ['/multistream/1.0.0\n', `${protocol}\n`].map((line) => new TextEncoder().encode(line))
  return Uint8Array.from(lines.flatMap((line) => [line.byteLength, ...line]))
}

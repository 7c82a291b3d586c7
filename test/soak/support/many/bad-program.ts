// Hostile peers, each behind an identity of its own. What they cost themselves is not what is measured: they yield to all
// others on this machine, as peers elsewhere would.
import { constants, setPriority } from 'node:os'
import { RawPeer } from '../../../support/raw-peer.ts'
import { type Attack, attacks } from './attacks.ts'
import { serve } from './program.ts'
import type { Contact } from './protocols.ts'

export interface Attacker {
  readonly attack: Attack
  readonly via: 'relayed' | 'websocket'
}

setPriority(constants.priority.PRIORITY_LOW)

const handlers = {
  /** Answers with their PeerIds when all have begun. */
  async start({ victim, relay, attackers }: { victim: Contact; relay: string; attackers: Attacker[] }) {
    const ids: string[] = []
    for (const { attack, via } of attackers) {
      const peer = await RawPeer.start(victim, via, relay)
      ids.push(peer.id)
      void attacks[attack](peer)
    }
    return ids
  }
}

export type BadProgram = typeof handlers
serve(handlers)

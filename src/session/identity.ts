import { toString as uint8ArrayToString } from 'uint8arrays/to-string'
import type { ConfirmFrame, HelloFrame } from '../wire/index.ts'

/** Which session of a pair of peers: their instances, and how many sessions of these two have ended. */
export interface SessionName {
  /** The peer's instance id, hex. */
  readonly peerInstance: string
  readonly epoch: number
}

/**
 * What a handshake leads to.
 * - `attach`: the path joins the live session, or a new one by this name
 * - `supersede`: the live session has ended at the peer: end ours, then attach the path to a new one
 * - `refuse`: close this path only
 * - `endAndRefuse`: the live session cannot go on (the peer forgot it): end it and close this path
 */
export type Verdict =
  | { readonly action: 'attach'; readonly name: SessionName; readonly isNew: boolean }
  | { readonly action: 'supersede'; readonly name: SessionName }
  | { readonly action: 'refuse'; readonly reason: string }
  | { readonly action: 'endAndRefuse'; readonly reason: string }

/** Instances of a peer remembered: reloads in a row while an old handshake may still arrive. */
const MAX_INSTANCES = 64

/**
 * The identity rules of one pair of peers, as seen from one side. Survives the sessions it names: it must be kept for as
 * long as the process knows the peer.
 */
export class PeerIdentity {
  #live: SessionName | undefined
  readonly #ended = new Map<string, number>()

  get live(): SessionName | undefined {
    return this.#live
  }

  /** What our own HELLO says when we respond. */
  epochFor(peerInstance: string): number {
    return this.#ended.get(peerInstance) ?? 0
  }

  /** As initiator: the responder's HELLO. `isHeard`: the peer is heard on some path of our live session. */
  onResponderHello(hello: HelloFrame, isHeard: boolean): Verdict {
    const peerInstance = instanceName(hello.instance)
    const name = { peerInstance, epoch: Math.max(hello.epoch, this.epochFor(peerInstance)) }
    const live = this.#live
    if (live == null || isSame(live, name)) return this.#attach(name)
    // The same process has ended it; another one only has if nobody answers us there: it may be a second tab.
    return isHeard && live.peerInstance !== peerInstance
      ? { action: 'refuse', reason: 'another session with this peer is alive; the dial reached another instance of it' }
      : { action: 'endAndRefuse', reason: 'the peer has restarted and forgot this session' }
  }

  /** As responder: the initiator's CONFIRM, after its HELLO named its instance. */
  onConfirm(confirm: ConfirmFrame, initiator: Uint8Array): Verdict {
    const peerInstance = instanceName(initiator)
    if (this.epochFor(peerInstance) > confirm.epoch) {
      return { action: 'refuse', reason: 'the session it names has ended here' }
    }
    const name = { peerInstance, epoch: confirm.epoch }
    const live = this.#live
    if (live == null || isSame(live, name)) return this.#attach(name)
    if (live.peerInstance === peerInstance && live.epoch > confirm.epoch) {
      return { action: 'refuse', reason: 'a newer session with this peer is alive' }
    }
    return { action: 'supersede', name }
  }

  /** After `supersede`, once the old session is torn down. */
  begin(name: SessionName): void {
    this.#attach(name)
  }

  /** The live session is over, however it ended: it can never be attached to again. */
  end(): void {
    if (this.#live == null) return
    this.#remember(this.#live.peerInstance, this.#live.epoch + 1)
    this.#live = undefined
  }

  #attach(name: SessionName): Verdict {
    const isNew = this.#live == null
    this.#live = name
    this.#remember(name.peerInstance, name.epoch)
    return { action: 'attach', name, isNew }
  }

  #remember(peerInstance: string, epoch: number): void {
    const known = this.epochFor(peerInstance)
    this.#ended.delete(peerInstance)
    this.#ended.set(peerInstance, Math.max(known, epoch))
    if (this.#ended.size > MAX_INSTANCES) this.#ended.delete(this.#ended.keys().next().value!)
  }
}

function isSame(a: SessionName, b: SessionName): boolean {
  return a.peerInstance === b.peerInstance && a.epoch === b.epoch
}

/** Instance ids as map keys. */
export function instanceName(instance: Uint8Array): string {
  return uint8ArrayToString(instance, 'base16')
}

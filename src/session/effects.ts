import type { Frame } from '../wire/index.ts'

/** What the core asks its driver to do, in order. */
export type SessionEffect =
  /** Write this frame to the path's carrier. */
  | { readonly type: 'send'; readonly path: number; readonly frame: Frame }
  /** The peer broke the protocol on this path: abort its carrier stream and call `detachPath`. */
  | { readonly type: 'pathError'; readonly path: number; readonly error: Error }
  /** Counted frames on this path are not acknowledged in time; traffic moved where another path is healthy. */
  | { readonly type: 'pathSuspect'; readonly path: number; readonly by: 'self' | 'peer' }
  /** The path's own ACKs came back. */
  | { readonly type: 'pathRestored'; readonly path: number }
  | { readonly type: 'pong'; readonly path: number; readonly nonce: number; readonly rttMs: number }
  /** The peer leaves this path in an orderly way. */
  | { readonly type: 'goaway'; readonly path: number; readonly reason: number; readonly delayMs: number }
  /** A limited path carries little more: replace it, or ask the peer to. Once per path. */
  | { readonly type: 'budgetLow'; readonly path: number }
  /** The peer asks to replace this path, which we opened. */
  | { readonly type: 'renewAsked'; readonly path: number }
  /** This side left the path, and nothing is on its way there any more, in either direction. */
  | { readonly type: 'pathDrained'; readonly path: number }
  | { readonly type: 'streamOpen'; readonly stream: number }
  /** In order, exactly once. The data belongs to the receiver of the effect. */
  | { readonly type: 'streamData'; readonly stream: number; readonly data: Uint8Array }
  /** The peer finished this direction; all its data was delivered. */
  | { readonly type: 'streamEnd'; readonly stream: number }
  | { readonly type: 'streamReset'; readonly stream: number; readonly code: number }
  /** The peer does not read any more; nothing written is sent any longer. */
  | { readonly type: 'streamStopped'; readonly stream: number; readonly code: number }
  /** `write` reported it was full, and is not any more. */
  | { readonly type: 'streamWritable'; readonly stream: number }
  /** The peer sends nothing more. Code 0: orderly; everything it sent has been delivered. */
  | { readonly type: 'peerClosed'; readonly code: number }
  /** Both sides have closed and all is acknowledged, or the session was aborted: no further effects follow. */
  | { readonly type: 'closed'; readonly code: number }

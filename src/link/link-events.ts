import type { PathKind } from '../path/index.ts'
import type { LinkState } from './api.ts'

/** Of a limited relayed path. Times are the session's own clock's. */
export interface CircuitView {
  /** When so little time is left that it is to be replaced. */
  readonly renewAt?: number
  /** Replacing it again and again costs little. */
  readonly cheap: boolean
}

/** What happened. Times are passed beside, never inside. */
export type LinkEvent =
  | {
      readonly type: 'attached'
      readonly path: number
      readonly kind: PathKind
      readonly opener: 0 | 1
      readonly ample: boolean
      readonly circuit?: CircuitView
    }
  | { readonly type: 'detached'; readonly path: number; readonly cause: string }
  | { readonly type: 'pong'; readonly path: number; readonly rttMs: number }
  | { readonly type: 'suspect'; readonly path: number }
  | { readonly type: 'restored'; readonly path: number }
  /** `gone`: the peer has given the path up already. */
  | { readonly type: 'goaway'; readonly path: number; readonly gone: boolean }
  /** It carries few bytes more. */
  | { readonly type: 'budgetLow'; readonly path: number }
  /** The peer asks to replace it. */
  | { readonly type: 'renewAsked'; readonly path: number }
  | { readonly type: 'renewFailed'; readonly cause: string }
  | { readonly type: 'upgradeFailed'; readonly cause: string }
  | { readonly type: 'upgradeForbidden'; readonly reason: string }
  | { readonly type: 'upgradeRequested' }
  | { readonly type: 'redialFailed'; readonly cause: string }
  /** The user wants a path now. */
  | { readonly type: 'redialRequested' }
  | { readonly type: 'networkChanged' }
  /** The page is put aside: every path goes, and none is looked for until `resumed`. */
  | { readonly type: 'suspended' }
  | { readonly type: 'resumed' }
  /** Our timer fired this much too late. */
  | { readonly type: 'gap'; readonly lateMs: number }
  /** The user closes: what is sent is flushed over the paths there are, none is looked for any more. */
  | { readonly type: 'closing' }
  | { readonly type: 'closed'; readonly reason?: Error; readonly cause: string }
  | { readonly type: 'tick' }

/** What to do about it, in order. */
export type LinkEffect =
  | { readonly type: 'prefer'; readonly order: readonly number[] }
  | { readonly type: 'select'; readonly path: number; readonly cause: string }
  | { readonly type: 'probe'; readonly path: number }
  /** Its carrier is dead: abort it. */
  | { readonly type: 'abandon'; readonly path: number; readonly cause: string }
  /** Say good-bye on it and close it. */
  | { readonly type: 'leave'; readonly path: number; readonly cause: string }
  | { readonly type: 'upgrade'; readonly via: number; readonly attempt: number; readonly timeoutMs: number }
  /** Open another path over this one's relay, or over any: this one is about to end. */
  | { readonly type: 'renew'; readonly path: number }
  /** The peer opened it, and is to replace it. */
  | { readonly type: 'askRenewal'; readonly path: number }
  | { readonly type: 'redial'; readonly cause: string }
  /** Nobody needs what is being dialled any more. */
  | { readonly type: 'redialOver' }
  /** The resume window is over. */
  | { readonly type: 'expired' }
  | { readonly type: 'state'; readonly state: LinkState; readonly previous: LinkState; readonly cause: string }

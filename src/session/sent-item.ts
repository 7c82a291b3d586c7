import type { SentPiece } from './send-half.ts'

/** A control frame by what it is about. What it says is read from current state whenever it leaves. */
export type ControlItem =
  | { readonly type: 'reset'; readonly stream: number; readonly code: number }
  | { readonly type: 'stopSending'; readonly stream: number; readonly code: number }
  | { readonly type: 'maxData' }
  | { readonly type: 'maxStreamData'; readonly stream: number }

/** What a counted frame did, so that it can be acknowledged, or done again when its path dies. */
export type SentItem =
  | { readonly type: 'stream'; readonly stream: number; readonly piece: SentPiece }
  | ControlItem
  | { readonly type: 'close' }

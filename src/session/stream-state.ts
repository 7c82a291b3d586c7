import { ReceiveHalf } from './receive-half.ts'
import { SendHalf } from './send-half.ts'

/** Both directions of one stream. */
export interface StreamState {
  readonly id: number
  readonly send: SendHalf
  readonly receive: ReceiveHalf
}

export function createStream(id: number, opensStream: boolean, sendCredit: number, receiveGrant: number): StreamState {
  return { id, send: new SendHalf(sendCredit, opensStream), receive: new ReceiveHalf(receiveGrant) }
}

/** Neither side sends anything more on it, and the application has read everything: it can be forgotten. */
export function isFinished({ send, receive }: StreamState): boolean {
  if (!send.isDone || !receive.isSettled) return false
  return !receive.isUnread
}

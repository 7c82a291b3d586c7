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

/** Neither side will send anything more on it, though the application may still have to read. */
export function isQuiet({ send, receive }: StreamState): boolean {
  return send.isDone && receive.isSettled
}

/** Nothing is left to do for it: it can be forgotten. */
export function isFinished(stream: StreamState): boolean {
  return (
    isQuiet(stream) && (stream.receive.status !== 'ended' || stream.receive.consumed === stream.receive.finalOffset)
  )
}

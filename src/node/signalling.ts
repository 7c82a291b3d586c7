import type { Connection, Stream, StreamHandler } from '@libp2p/interface'

/** js-libp2p's WebRTC signalling. */
export const SIGNALLING_PROTOCOL = '/webrtc-signaling/0.0.1'

/** The peer gave up its offer, or what carried it is gone. */
export class OfferWithdrawnError extends Error {
  static override name = 'OfferWithdrawnError'
  override name = 'OfferWithdrawnError'
}

/**
 * The stock handler answers anybody: `refusal` says why not this peer. And it takes an offer that was withdrawn for one
 * that succeeded, as it looks at errors only while nothing is wrong with its own deadline: each failed attempt of the peer
 * would leave an open connection that leads nowhere. It does look at how its stream closes, last of all.
 */
export function guardSignalling(
  handler: StreamHandler,
  refusal: (connection: Connection) => Error | undefined
): StreamHandler {
  return (stream, connection) => {
    const error = refusal(connection)
    if (error != null) {
      stream.abort(error)
      return
    }
    return handler(closingOnlyInOrder(stream), connection)
  }
}

function closingOnlyInOrder(stream: Stream): Stream {
  const close = stream.close.bind(stream)
  stream.close = async (options) => {
    // Whose offer succeeded has closed its direction; ours is still open then.
    if (stream.status !== 'open') throw new OfferWithdrawnError(`The peer withdrew its offer (${stream.status})`)
    await close(options)
  }
  return stream
}
